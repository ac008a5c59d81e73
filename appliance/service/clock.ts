/** Seconds since 1970, whole. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** 2025-01-01: a clock that says less was never set. */
export const earliestPlausible = 1_735_689_600;
