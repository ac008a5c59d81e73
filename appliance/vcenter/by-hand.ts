import type { KmipServer } from './crypto-manager.ts';

interface ByHand {
  readonly vcenter: string;
  readonly provider: string;
  readonly nodes: readonly KmipServer[];
}

/**
 * Lines to paste that make the nodes a key provider with govc. It cannot ask for a certificate
 * request, so vCenter is given a key pair that is made here.
 */
export function govcLines({ vcenter, provider, nodes }: ByHand): string[] {
  const quoted = `'${provider.replaceAll("'", `'\\''`)}'`;
  return [
    `export GOVC_URL=https://${vcenter}`,
    ...nodes.flatMap(({ name, address, port }) => [
      `govc kms.add -n ${name} -a ${address} -p ${port} ${quoted}`,
      `openssl s_client -connect ${address}:${port} </dev/null | openssl x509 > ${name}.pem`,
      '# compare with `twinlock status`:',
      `openssl x509 -noout -fingerprint -sha256 -in ${name}.pem`,
      `govc kms.trust -server-cert "$(cat ${name}.pem)" ${quoted}`,
    ]),
    'twinlock client bundle --name vcenter --out bundle',
    'govc kms.trust -client-cert "$(cat bundle/cert.pem)" \\',
    `  -client-key "$(cat bundle/key.pem)" ${quoted}`,
    `govc kms.default ${quoted}`,
    'govc kms.ls',
  ];
}

/** Lines to paste that do the same with PowerCLI; vCenter's own key never leaves it. */
export function powerCliLines({ vcenter, provider, nodes }: ByHand): string[] {
  const quoted = `'${provider.replaceAll("'", "''")}'`;
  return [
    `Connect-VIServer ${vcenter}`,
    '$c = Get-View (Get-View ServiceInstance).Content.CryptoManager',
    `$id = New-Object VMware.Vim.KeyProviderId -Property @{ Id = ${quoted} }`,
    ...nodes.flatMap(({ name, address, port }) => [
      '$s = New-Object VMware.Vim.KmipServerSpec -Property @{ ClusterId = $id }',
      '$s.Info = New-Object VMware.Vim.KmipServerInfo -Property `',
      `  @{ Name = '${name}'; Address = '${address}'; Port = ${port} }`,
      '$c.RegisterKmipServer($s)',
      '$shown = $c.RetrieveKmipServerCert($id, $s.Info)',
      '$shown.CertInfo.Fingerprint   # compare with `twinlock status`',
      '$c.UploadKmipServerCert($id, $shown.Certificate)',
    ]),
    '$c.GenerateClientCsr($id, $null) | Set-Content vcenter.csr',
    '# twinlock client sign-csr --csr vcenter.csr --name vcenter --out vcenter.pem',
    '$c.UpdateKmsSignedCsrClientCert($id, (Get-Content -Raw vcenter.pem))',
    '$c.MarkDefault($id)',
  ];
}
