import { rmSync } from 'node:fs';
import type { ListenOptions } from 'node:net';

/**
 * Where to listen: at the socket that systemd passed under this name (sd_listen_fds(3)), else at a
 * path of our own, from which a dead predecessor's socket is removed first.
 */
export function listenAt(name: string, path: string): ListenOptions & { fd?: number } {
  const fd = passed(name);
  if (fd !== undefined) return { fd };
  rmSync(path, { force: true });
  return { path };
}

/** The file descriptor that systemd passed under this name. */
export function passed(name: string): number | undefined {
  if (process.env['LISTEN_PID'] !== String(process.pid)) return undefined;
  const names = (process.env['LISTEN_FDNAMES'] ?? '').split(':');
  const index = names.indexOf(name);
  return index < 0 ? undefined : 3 + index;
}
