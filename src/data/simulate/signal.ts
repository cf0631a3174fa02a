import { process, signal } from "./constants.ts";

/** What the signal remembers of one symbol after a bar; a function of the closes and volumes up to that bar only. */
export interface SignalState {
  /** S: the state that moves the next returns, in units of log return. */
  readonly value: number;
  /** Running mean of squared surprises. */
  readonly variance: number;
  /** Running mean of log volume. */
  readonly logVolume: number;
}

/** The state after the first bar, which has a volume but no return yet. */
export function firstSignal(volume: number): SignalState {
  return { value: 0, variance: signal.firstDeviation ** 2, logVolume: Math.log(volume) };
}

/** E[log return of the next bar | bars so far]. */
export function nextMean(state: SignalState): number {
  return process.drift + signal.strength * state.value;
}

/**
 * The state one bar later: a surprise on high volume tends to revert, one on thin volume to continue (the effect described
 * by Campbell, Grossman and Wang 1993, "Trading volume and serial correlation in stock returns").
 *
 * The shock is odd in the surprise and its scale is even in it. Surprises are symmetric given the past, and so is volume
 * given their size; hence the shock has mean zero, and the expected state decays geometrically. This is what makes
 * `expectedLogReturn` exact at every horizon.
 */
export function advanceSignal(state: SignalState, logReturn: number, volume: number): SignalState {
  const surprise = logReturn - nextMean(state);
  const deviation = Math.sqrt(state.variance);
  const abnormal = (Math.log(volume) - state.logVolume) / signal.volumeScale;
  const response = signal.reversal + signal.volumeReversal * Math.tanh(abnormal);
  const shock = -deviation * Math.tanh(surprise / deviation) * response;
  return {
    value: signal.decay * state.value + shock,
    variance: signal.varianceDecay * state.variance + (1 - signal.varianceDecay) * surprise * surprise,
    logVolume: signal.volumeDecay * state.logVolume + (1 - signal.volumeDecay) * Math.log(volume),
  };
}

/** E[log return over the next `horizonDays` bars | bars so far] for the state value S: d h + κ S (1 - ρ^h) / (1 - ρ). */
export function expectedLogReturn(stateValue: number, horizonDays: number): number {
  const weight = (1 - signal.decay ** horizonDays) / (1 - signal.decay);
  return process.drift * horizonDays + signal.strength * stateValue * weight;
}
