export type VcenterErrorCode =
  | 'vcenter-unreachable'
  | 'vcenter-thumbprint'
  | 'vcenter-login'
  | 'vcenter-denied'
  | 'vcenter-fault'
  | 'vcenter-trust'
  | 'vcenter-not-green';

/** Why vCenter did not do what was asked, for a person: what it is, and what to do. */
export class VcenterError extends Error {
  override readonly name = 'VcenterError';
  readonly code: VcenterErrorCode;
  readonly hint: string;

  constructor(code: VcenterErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
