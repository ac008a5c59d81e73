/**
 * The cases that do not pass, by reason. A case that is listed and passes fails the run, so this
 * list can only shrink with what the server learns.
 */
const byReason: Readonly<Record<string, string>> = {
  'the case wants ANSI X9.31 as the generator; OpenSSL has a DRBG, and Twinlock says so': `
    AKLC-M-1-14 AKLC-M-2-14 AKLC-M-3-14 SKFF-M-10-14 SKFF-M-11-14 SKFF-M-12-14 TL-M-3-14`,
  'the key that the case registers does not give the bytes that the case expects': `
    CS-BC-M-6-12`,
  'an attribute in the request lacks its name': `
    CS-AC-M-3-12 CS-AC-M-8-12`,
};

export const exceptions: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(byReason).flatMap(([reason, names]) =>
    names
      .trim()
      .split(/\s+/)
      .filter((name) => name !== '')
      .map((name) => [name, reason]),
  ),
);
