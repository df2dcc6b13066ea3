import { compare, parseRational, type Rational } from '../util/rational.ts';
import type { Expectation } from './model.ts';

/** '>= 1000' → operator and value; undefined where the number is none. The form is the schema's business. */
export function parseGate(text: string): Pick<Expectation, 'operator' | 'value'> | undefined {
  const match = /^ *(<=|>=|==|<|>)(.*)$/.exec(text);
  const value = parseRational(match?.[2]?.trim() ?? '');
  return match && value ? { operator: match[1] as Expectation['operator'], value } : undefined;
}

/** Whether a measured value passes a gate. */
export function passes({ operator, value }: Pick<Expectation, 'operator' | 'value'>, measured: Rational): boolean {
  const order = compare(measured, value);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '==':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>':
      return order > 0;
  }
}
