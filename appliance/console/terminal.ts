/**
 * The door to ink and react. Elements are made by calls, not by JSX: Node runs the files as they
 * are, and the image runs what the compiler leaves of them.
 */
import type { WriteStream } from 'node:tty';
import { Box, render, renderToString, Text, useInput, useWindowSize } from 'ink';
import type { Key } from 'ink';
import { createElement, useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';

export { Box, createElement as h, render, renderToString, Text };
export { useEffect, useInput, useRef, useState, useWindowSize };
export type { Key, ReactNode };

const plain: Readonly<Record<string, string>> = { '…': '~', '’': "'", '‘': "'", '–': '-' };

/** The same text for terminals that know ASCII alone: as many columns, no sign that they lack. */
export function plainText(text: string): string {
  return text.replace(/[…’‘–]/g, (sign) => plain[sign] ?? '?');
}

/** A terminal's output through `plainText`. */
export function plainOutput(terminal: WriteStream): WriteStream {
  const write = (chunk: string | Uint8Array, ...others: never[]): boolean =>
    terminal.write(typeof chunk === 'string' ? plainText(chunk) : chunk, ...others);
  return Object.assign(Object.create(terminal) as WriteStream, { write });
}
