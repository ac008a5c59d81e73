/** What to do in vCenter once this node serves: the last screen of the set-up. */
export function vcenterSteps(nodes: readonly string[]): readonly string[] {
  return [
    'In the vSphere Client: vCenter, Configure, Key Providers, Add, Standard Key Provider.',
    ...nodes.map((endpoint, at) => `  KMS ${at + 1}: address and port ${endpoint}`),
    'Trust: compare the SHA-256 fingerprint below with the one that vCenter shows.',
    'Establish Trust, New Certificate Signing Request; then, here or from elsewhere:',
    '  twinlock client sign-csr --csr FILE --name vcenter   and upload its answer there.',
  ];
}
