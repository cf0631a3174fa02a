import type { PriceTable } from "../../base/index.ts";
import type { Bar } from "./bar.ts";
import type { PriceSeries } from "./prices.ts";

/** Columns of one symbol that grow bar by bar up to a known size. */
export class SeriesWriter {
  count = 0;
  readonly time: Float64Array;
  readonly open: Float64Array | null;
  readonly high: Float64Array | null;
  readonly low: Float64Array | null;
  readonly close: Float64Array;
  readonly volume: Float64Array | null;
  readonly filled: Uint8Array;

  /** `like` says which columns there are. */
  constructor(like: Pick<PriceTable, "open" | "high" | "low" | "volume">, capacity: number) {
    const column = (present: unknown) => (present === null ? null : new Float64Array(capacity));
    this.time = new Float64Array(capacity);
    this.open = column(like.open);
    this.high = column(like.high);
    this.low = column(like.low);
    this.close = new Float64Array(capacity);
    this.volume = column(like.volume);
    this.filled = new Uint8Array(capacity);
  }

  push(time: number, bar: Bar, filled: boolean): void {
    const at = this.count++;
    this.time[at] = time;
    this.set(at, bar);
    this.filled[at] = filled ? 1 : 0;
  }

  set(at: number, bar: Bar): void {
    if (this.open !== null) this.open[at] = bar.open;
    if (this.high !== null) this.high[at] = bar.high;
    if (this.low !== null) this.low[at] = bar.low;
    this.close[at] = bar.close;
    if (this.volume !== null) this.volume[at] = bar.volume;
  }

  /** The bars so far. Columns are shared with the writer where they are full, else copied to their size. */
  series(symbol: string): PriceSeries {
    const cut = <T extends Float64Array | Uint8Array>(column: T): T =>
      column.length === this.count ? column : (column.slice(0, this.count) as T);
    const cutOrNull = (column: Float64Array | null) => column && cut(column);
    return {
      symbol,
      time: cut(this.time),
      open: cutOrNull(this.open),
      high: cutOrNull(this.high),
      low: cutOrNull(this.low),
      close: cut(this.close),
      volume: cutOrNull(this.volume),
      filled: cut(this.filled),
    };
  }
}
