import test from 'ava';
import { Secret, secretBytes } from '../../appliance/console/secret.ts';

test('a secret is what was typed, less what was taken back', (t) => {
  const secret = new Secret();
  secret.type('pän1');
  t.is(secret.length, 4);
  secret.backspace();
  secret.backspace();
  t.is(secret.copy().toString(), 'pä');
  secret.backspace();
  t.is(secret.copy().toString(), 'p');
  secret.backspace();
  secret.backspace();
  t.is(secret.length, 0);
});

test('a secret that was wiped is empty, and what is too long is cut', (t) => {
  const secret = new Secret();
  secret.type('x'.repeat(secretBytes + 1));
  t.is(secret.length, secretBytes);
  secret.wipe();
  t.is(secret.copy().length, 0);
  t.true(secret.equals(new Secret()));
});
