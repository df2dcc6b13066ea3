import { storedOf } from '../engine/content.ts';
import type { Store } from '../engine/store.ts';

/** A store that reads from two and writes to the upper one: what is tried out leaves no trace in the lower. */
export function overlay(upper: Store, lower: Store): Store {
  const objects: Store['objects'] = {
    write: (bytes) => upper.objects.write(bytes),
    writeLater: (bytes) => upper.objects.writeLater(bytes),
    incoming: (stored) => upper.objects.incoming(stored),
    has: (stored) => upper.objects.has(stored) || lower.objects.has(stored),
    read: (stored) => (lower.objects.has(stored) ? lower : upper).objects.read(stored),
    parts: (stored) => (lower.objects.has(stored) ? lower : upper).objects.parts(stored),
    copyTo: (stored, path) => (lower.objects.has(stored) ? lower : upper).objects.copyTo(stored, path),
  };
  return {
    ...upper,
    objects,
    records: {
      ...upper.records,
      readStep: (step, key) => upper.records.readStep(step, key) ?? lower.records.readStep(step, key),
      readCall: (key) => upper.records.readCall(key) ?? lower.records.readCall(key),
      readLast: (id) => upper.records.readLast(id) ?? lower.records.readLast(id),
    },
    has: (content) => storedOf(content).every(objects.has),
  };
}
