import { closeSync, existsSync, fsyncSync, fstatSync, openSync, renameSync } from 'node:fs';
import { rmSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { dirname } from 'node:path';

/**
 * Replaces a file so that a power cut leaves the old bytes or the new, never a mixture: a file of
 * another name beside it, flushed, renamed over it, and the folder flushed.
 */
export function replaceFile(path: string, bytes: Uint8Array, mode = 0o600): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeWhole(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  flushFolder(dirname(path));
}

/** Removes a file so that no power cut brings it back; nothing happens where there is none. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
  flushFolder(dirname(path));
}

/**
 * Writes over a file where it lies, flushes, and removes it. A disk that writes elsewhere than it
 * reads (flash, snapshots, a journal of data) may keep the old bytes all the same.
 */
export function overwriteFile(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r+');
  try {
    writeWhole(file, randomFillSync(Buffer.alloc(fstatSync(file).size)));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  removeFile(path);
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
