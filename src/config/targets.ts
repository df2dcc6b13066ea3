import { FinnError } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Board } from './board.ts';
import { clockProblem } from './clock.ts';
import type { Folding, Target } from './model.ts';
import { child, dotted } from './pointer.ts';
import type { Loose, Resolving } from './scope.ts';
import type * as file from './types.gen.ts';

/** A target of a recipe; nothing where its board or clock is not known (and a diagnostic says why). */
export function resolveTarget(
  name: string,
  written: Loose<file.Target>,
  pointer: string,
  to: Resolving,
): Target | undefined {
  const at = child(pointer, 'clock_mhz');
  const wanted = written.clock_mhz === undefined ? undefined : to.positive(at, written.clock_mhz);
  const board = written.board === undefined ? undefined : resolveBoard(child(pointer, 'board'), written.board, to);
  if (!board || (written.clock_mhz !== undefined && !wanted)) return undefined;
  const clockMhz = wanted ?? board.clock?.mhz;
  if (!clockMhz) {
    const message = `\`${dotted(pointer)}\` lacks the key \`clock_mhz\`, and board ${board.id} has no clock of its own`;
    to.wrong('config/missing-key', message, to.at(pointer, 'key'));
    return undefined;
  }
  const problem = clockProblem(board, clockMhz);
  if (problem) to.wrong('recipe/clock', problem.message, to.at(at), problem.hint);
  return { name, at: to.at(pointer, 'key'), board, clockMhz };
}

function resolveBoard(pointer: string, name: string, to: Resolving): Board | undefined {
  try {
    return to.board(name, pointer);
  } catch (thrown) {
    if (!(thrown instanceof FinnError)) throw thrown;
    to.diagnostics.push(...thrown.diagnostics);
    return undefined;
  }
}

/** What recipes may set on layers of finn's own; operators of plug-ins may have more. */
const settable = ['pe', 'simd', 'memory'];

/** A folding of a recipe. `further` are the settings of layers that operators of plug-ins have; 'any' takes all. */
export function resolveFolding(
  name: string,
  written: Loose<file.Folding>,
  pointer: string,
  to: Resolving,
  further: ReadonlySet<string> | 'any',
): Folding {
  const needs = (key: keyof file.Folding, other: keyof file.Folding): void => {
    if (written[key] === undefined || written[other] !== undefined) return;
    const message = `\`${dotted(child(pointer, key))}\` needs \`${other}\` beside it`;
    to.wrong('recipe/conflict', message, to.at(child(pointer, key), 'key'));
  };
  needs('mvau_wwidth_max', 'target_fps');
  needs('two_pass', 'target_fps');
  needs('resources', 'maximize');
  if (written.target_fps !== undefined && written.maximize !== undefined) {
    const message = `\`${dotted(pointer)}\` has both \`target_fps\` and \`maximize\``;
    const hint = 'either a frame rate to reach, or as fast as fits';
    to.wrong('recipe/conflict', message, to.at(child(pointer, 'maximize'), 'key'), hint);
  }
  const layers = Object.entries(written.layers ?? {}).map(([layer, settings]) => {
    const place = child(child(pointer, 'layers'), layer);
    const legal = [...new Set([...settable, ...further])];
    for (const key of further === 'any' ? [] : Object.keys(settings ?? {})) {
      if (legal.includes(key)) continue;
      const message = `unknown key \`${key}\` in \`${dotted(place)}\``;
      to.wrong('config/unknown-key', message, to.at(child(place, key), 'key'), didYouMean(key, legal, 'legal keys'));
    }
    return [layer, (settings ?? {}) as file.LayerSettings] as const;
  });
  const choose =
    written.target_fps !== undefined
      ? ({
          by: 'target-fps',
          fps: written.target_fps,
          mvauWwidthMax: written.mvau_wwidth_max ?? 36,
          twoPass: written.two_pass ?? true,
        } as const)
      : written.maximize !== undefined
        ? ({ by: 'maximize-fps', resources: Number((written.resources ?? '70%').slice(0, -1)) / 100 } as const)
        : undefined;
  return {
    name,
    at: to.at(pointer, 'key'),
    layers: new Map(layers),
    ...(choose && { choose }),
    ...(written.file !== undefined && { file: to.existing(child(pointer, 'file'), written.file) }),
  };
}
