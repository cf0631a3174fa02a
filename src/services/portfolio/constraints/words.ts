/**
 * Linear constraints in words: `tech <= 0.3`, `AAPL >= 2 * MSFT`, `0.1 <= bonds + gold <= 40%`, `gross <= 1.5`.
 *
 * A side is a sum of terms; a term is a number, a name, or both with `*` or `/` between. Names are those of assets, groups and
 * factors, and the reserved ones. They may hold any sign: the longest known name at a place is meant, or one in quotes.
 */
import { PlatformError } from "../../../base/index.ts";
import { didYouMean } from "../../../data/index.ts";

/** Who speaks: how an error names the sentence, and its code. */
const speakers = {
  constraint: { code: "PORTFOLIO_CONSTRAINT_INVALID", field: "constraints" },
  view: { code: "PORTFOLIO_VIEW_INVALID", field: "views" },
} as const;
type Speaker = keyof typeof speakers;

/** `Σ coefficients[name] name + constant <= 0`, or `= 0`. */
export interface Relation {
  readonly kind: "<=" | "=";
  readonly coefficients: ReadonlyMap<string, number>;
  readonly constant: number;
}

/**
 * The relations of one sentence; a chain such as `0.1 <= tech <= 0.3` has two.
 *
 * @param speaker what the sentence is
 * @throws PlatformError `PORTFOLIO_CONSTRAINT_INVALID` naming the place and what was expected there; `PORTFOLIO_VIEW_INVALID` of
 *   a view
 * @example
 * readRelations("AAPL >= 2 * MSFT", ["AAPL", "MSFT"])[0].coefficients.get("MSFT"); // => 2
 */
export function readRelations(
  sentence: string,
  names: readonly string[],
  speaker: Speaker = "constraint",
): Relation[] {
  const parser = new Parser(sentence, names, speaker);
  const sides = [parser.side()];
  const signs: string[] = [];
  while (!parser.done()) {
    signs.push(parser.comparison());
    sides.push(parser.side());
  }
  if (signs.length === 0) throw parser.error("a comparison such as <= or >=");
  return signs.map((sign, i) => {
    const [low, high] = sign === ">=" ? [sides[i + 1], sides[i]] : [sides[i], sides[i + 1]];
    const coefficients = new Map(low.coefficients);
    for (const [name, value] of high.coefficients)
      coefficients.set(name, (coefficients.get(name) ?? 0) - value);
    if (coefficients.size === 0) throw parser.error("the name of an asset, group or factor");
    return { kind: sign === "=" ? "=" : "<=", coefficients, constant: low.constant - high.constant };
  });
}

interface Side {
  readonly coefficients: Map<string, number>;
  constant: number;
}

class Parser {
  #at = 0;
  readonly #text: string;
  /** Longest first, so that BRK-B is one name where both BRK and B are known as well. */
  readonly #names: readonly string[];

  readonly #speaker: Speaker;

  constructor(text: string, names: readonly string[], speaker: Speaker) {
    this.#text = text;
    this.#speaker = speaker;
    this.#names = [...names].sort((a, b) => b.length - a.length);
  }

  done(): boolean {
    this.#space();
    return this.#at >= this.#text.length;
  }

  comparison(): string {
    this.#space();
    const match = /^(<=|>=|==|=|<|>|≤|≥)/.exec(this.#text.slice(this.#at));
    if (!match) throw this.error("a comparison such as <= or >=");
    this.#at += match[0].length;
    return match[0] === "==" || match[0] === "=" ? "=" : /[<≤]/.test(match[0]) ? "<=" : ">=";
  }

  side(): Side {
    const side: Side = { coefficients: new Map(), constant: 0 };
    let first = true;
    for (;;) {
      this.#space();
      const sign = /^[+-]/.exec(this.#text.slice(this.#at))?.[0];
      if (!first && sign === undefined) return side;
      if (sign !== undefined) this.#at++;
      this.#term(side, sign === "-" ? -1 : 1);
      first = false;
    }
  }

  error(expected: string): PlatformError {
    const rest = this.#text.slice(this.#at).trim();
    return this.#invalid(`${expected} at character ${this.#at + 1}`, rest === "" ? "the end" : `"${rest}"`);
  }

  #invalid(expected: string, received: string): PlatformError {
    const { code, field } = speakers[this.#speaker];
    const message = `${this.#speaker} "${this.#text.trim()}": expected ${expected}, received ${received}`;
    return new PlatformError("input", code, message, { field });
  }

  #term(side: Side, sign: number): void {
    let factor = sign;
    let name: string | null = null;
    let divide = false;
    for (;;) {
      this.#space();
      const number = this.#number();
      if (number !== null) {
        if (divide && number === 0) throw this.error("a divisor that is not 0");
        factor = divide ? factor / number : factor * number;
      } else {
        const found = this.#name();
        if (name !== null || divide) throw this.error("a number: a product of two names is not linear");
        name = found;
      }
      this.#space();
      const next = this.#text[this.#at];
      if (next !== "*" && next !== "/") break;
      divide = next === "/";
      this.#at++;
    }
    if (name === null) side.constant += factor;
    else side.coefficients.set(name, (side.coefficients.get(name) ?? 0) + factor);
  }

  #number(): number | null {
    if (this.#knownName() !== null) return null; // an asset may be called 600519
    const match = /^(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)\s*(%)?(?![\w.])/i.exec(
      this.#text.slice(this.#at),
    );
    if (!match) return null;
    if (!Number.isFinite(Number(match[1]))) throw this.#invalid("a finite number", `"${match[0]}"`);
    this.#at += match[0].length;
    return Number(match[1]) / (match[2] ? 100 : 1);
  }

  #name(): string {
    const quoted = /^(["'])(.*?)\1/.exec(this.#text.slice(this.#at));
    const known = quoted ? this.#find(quoted[2]) : this.#knownName();
    if (known !== null) {
      this.#at += quoted ? quoted[0].length : known.length;
      return known;
    }
    const word = quoted?.[2] ?? /^[^\s+*/<>=≤≥]+/.exec(this.#text.slice(this.#at))?.[0];
    if (word === undefined) throw this.error("a number or the name of an asset, group or factor");
    if (/^(nan|inf(inity)?)%?$/i.test(word)) throw this.#invalid("a finite number", `"${word}"`);
    const expected =
      this.#speaker === "view" ? "the name of an asset" : "the name of an asset, group or factor";
    throw this.#invalid(expected, `"${word}"${didYouMean(word, this.#names)}`);
  }

  /** The longest known name that begins here and ends where a word can end. */
  #knownName(): string | null {
    const rest = this.#text.slice(this.#at).toLowerCase();
    const found = this.#names.find((name) => {
      if (!rest.startsWith(name.toLowerCase())) return false;
      const after = rest[name.length];
      return after === undefined || !/[\w.]/.test(after) || !/\w/.test(name[name.length - 1]);
    });
    return found ?? null;
  }

  #find(word: string): string | null {
    const lower = word.toLowerCase();
    return (
      this.#names.find((name) => name === word) ??
      this.#names.find((name) => name.toLowerCase() === lower) ??
      null
    );
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}
