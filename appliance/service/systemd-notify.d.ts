/** What is used of systemd-notify 1.0.0, which has no declarations. */
declare module 'systemd-notify' {
  interface Options {
    readonly ready?: boolean;
    readonly status?: string;
    readonly pid?: number;
  }
  function notify(options?: Options): Promise<unknown>;
  export default notify;
}
