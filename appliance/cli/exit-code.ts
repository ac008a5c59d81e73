/** What the command line's exit status means; docs/cli.md lists them. */
export const exitCode = {
  success: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notServing: 4,
  notReachable: 5,
  notFound: 6,
  broken: 7,
} as const;

const byRefusal: Readonly<Record<string, number>> = {
  'bad-request': exitCode.usage,
  refused: exitCode.refused,
  denied: exitCode.refused,
  'shares-needed': exitCode.refused,
  'not-serving': exitCode.notServing,
  'not-reachable': exitCode.notReachable,
  'not-found': exitCode.notFound,
  'has-keys': exitCode.refused,
  pairing: exitCode.refused,
  passphrase: exitCode.refused,
  network: exitCode.refused,
  'pin-not-sealed': exitCode.refused,
  'audit-broken': exitCode.broken,
  'vcenter-unreachable': exitCode.notReachable,
  'vcenter-thumbprint': exitCode.refused,
  'vcenter-login': exitCode.refused,
  'vcenter-denied': exitCode.refused,
  'vcenter-trust': exitCode.refused,
};

export function exitCodeOf(code: string): number {
  return byRefusal[code] ?? exitCode.failed;
}
