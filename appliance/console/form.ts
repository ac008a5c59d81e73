import { Box, h, Text, useInput, useState } from './terminal.ts';
import type { Key, ReactNode } from './terminal.ts';
import type { Secret } from './secret.ts';

/** One thing that is asked for. */
export type Field =
  | { readonly kind: 'text'; readonly name: string; readonly label: string }
  | { readonly kind: 'secret'; readonly name: string; readonly label: string }
  | {
      readonly kind: 'choice';
      readonly name: string;
      readonly label: string;
      readonly choices: readonly { readonly value: string; readonly text: string }[];
    };

/** What was typed: it outlives the form, so that going back keeps it. */
export interface Typed {
  readonly texts: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Secret>>;
}

export interface FormProperties {
  readonly fields: readonly Field[];
  readonly typed: Typed;
  readonly onText: (name: string, value: string) => void;
  readonly onEnter: () => void;
  readonly onBack: () => void;
  /** Deaf while something is under way. */
  readonly isActive?: boolean;
}

/** Fields one below the other. Arrows and Tab move, Enter goes on, Escape goes back. */
export function Form(properties: FormProperties): ReactNode {
  const { fields, typed, isActive = true } = properties;
  const [at, setAt] = useState(0);
  const [, setKeys] = useState(0);
  useInput(
    (input, key) => {
      const step = stepOf(key);
      if (key.escape) properties.onBack();
      else if (step !== 0) setAt((at + step + fields.length) % Math.max(1, fields.length));
      else if (key.return) {
        if (at < fields.length - 1) setAt(at + 1);
        else properties.onEnter();
      } else {
        edit(properties, fields[at], input, key);
        setKeys((count) => count + 1);
      }
    },
    { isActive },
  );
  return h(
    Box,
    { flexDirection: 'column' },
    fields.map((field, index) =>
      h(FieldLine, { key: field.name, field, typed, isHere: isActive && index === at }),
    ),
  );
}

function stepOf(key: Key): number {
  if (key.downArrow || (key.tab && !key.shift)) return 1;
  return key.upArrow || key.tab ? -1 : 0;
}

function edit(properties: FormProperties, field: Field | undefined, input: string, key: Key): void {
  if (field === undefined) return;
  const { typed, onText } = properties;
  const text = typed.texts[field.name] ?? '';
  const isErasing = key.backspace || key.delete;
  if (field.kind === 'choice') {
    const found = field.choices.findIndex(({ value }) => value === text);
    const turn = key.rightArrow || input === ' ' ? 1 : key.leftArrow ? -1 : 0;
    const next = field.choices.at((found + turn) % field.choices.length);
    if (turn !== 0 && next !== undefined) onText(field.name, next.value);
    return;
  }
  if (key.ctrl && input === 'u') {
    if (field.kind === 'secret') typed.secrets[field.name]?.wipe();
    else onText(field.name, '');
    return;
  }
  const printable = key.ctrl || key.meta ? '' : input.replace(/\p{C}/gu, '');
  if (field.kind === 'secret') {
    if (isErasing) typed.secrets[field.name]?.backspace();
    else typed.secrets[field.name]?.type(printable);
    return;
  }
  if (isErasing) onText(field.name, text.replace(/.$/su, ''));
  else if (printable !== '') onText(field.name, text + printable);
}

function FieldLine({ field, typed, isHere }: LineProperties): ReactNode {
  const mark = isHere ? '>' : ' ';
  const shown = shownOf(field, typed);
  return h(
    Text,
    { wrap: 'truncate', bold: isHere },
    `  ${mark} ${field.label.padEnd(22)} ${shown}${isHere && field.kind !== 'choice' ? '_' : ''}`,
  );
}

interface LineProperties {
  readonly field: Field;
  readonly typed: Typed;
  readonly isHere: boolean;
}

function shownOf(field: Field, { texts, secrets }: Typed): string {
  const text = texts[field.name] ?? '';
  if (field.kind === 'text') return text;
  if (field.kind === 'secret') return '*'.repeat(Math.min(40, secrets[field.name]?.length ?? 0));
  return `< ${field.choices.find(({ value }) => value === text)?.text ?? text} >`;
}
