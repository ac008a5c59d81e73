import { spawn } from 'node:child_process';

/** Single quotes around a word for the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Runs a program at a terminal of its own, as a person who answers each question once it is asked.
 * Gives the exit code and all that the terminal showed.
 */
export function atTerminal(
  words: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const command = words.map(quoted).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' });
  let shown = '';
  let read = 0;
  let given = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [question, answer = ''] = answers[given] ?? [];
    const found = question?.exec(shown.slice(read));
    if (found === undefined || found === null) return;
    read = shown.length;
    given++;
    child.stdin.write(`${answer}\r`);
  });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, shown });
    });
  });
}
