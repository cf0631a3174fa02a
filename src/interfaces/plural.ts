/**
 * A count with its noun.
 *
 * @example
 * counted(1, "setting"); // => "1 setting"
 * counted(3, "entry", "entries"); // => "3 entries"
 */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
