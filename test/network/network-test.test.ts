import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { OwnNetwork } from '../harness/own-network.ts';
import { Screen } from '../harness/screen.ts';

/** F5 and the wizard’s looks on a real network: cards, ARP, routes, ICMP, UDP and TCP. */
const here = import.meta.dirname;
const node = process.execPath;
const first = await OwnNetwork.start();
first?.close();
if (first === undefined) console.log('skipped: no network of its own can be made for F5’s tests');
const there = first === undefined ? test.skip : test;

type Outcome = readonly [isGood: boolean, text: string];

async function network(t: ExecutionContext): Promise<OwnNetwork> {
  const made = await OwnNetwork.start();
  if (made === undefined) throw new Error('a network of its own could be made a moment ago');
  t.teardown(() => {
    made.close();
  });
  return made;
}

/** What F5 says on the box; `peer`: an address at which another node that is away should be. */
async function tried(own: OwnNetwork, peer?: string): Promise<Readonly<Record<string, Outcome>>> {
  const away = { name: 'kms-b', state: 'away', addresses: [peer] };
  const facts = peer === undefined ? {} : { peers: { peers: [away] } };
  const ended = await own.ask(own.onBox(node, join(here, 'probe.ts'), JSON.stringify(facts)));
  if (ended.code !== 0) throw new Error(ended.stderr);
  return Object.fromEntries(
    ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { name, isGood, text } = JSON.parse(line) as {
          name: string;
          isGood: boolean;
          text: string;
        };
        return [name, [isGood, text] as const];
      }),
  );
}

const timeServer = (own: OwnNetwork, ahead: number): Promise<() => void> =>
  own.lasting(own.onLan(node, join(here, 'time-server.ts'), '192.0.2.77', String(ahead)));

there('where all is well F5 says what it found', async (t) => {
  t.timeout(180_000);
  const own = await network(t);
  await timeServer(own, 0);
  const found = await tried(own);
  t.deepEqual(found['Cable'], [true, 'box0 has a link']);
  t.deepEqual(found['Addresses'], [true, '192.0.2.10: no other machine has it']);
  t.deepEqual(found['Gateway'], [true, '192.0.2.1 answers']);
  t.true(found['Time servers']?.[0], found['Time servers']?.[1]);
  t.regex(found['Time servers']?.[1] ?? '', /^192\.0\.2\.77: off by -?0\.\d s$/);
});

there('a taken address, a gateway that is gone and a clock that differs are said', async (t) => {
  t.timeout(180_000);
  const own = await network(t);
  // Others go with the first address of a card.
  own.run(own.onLan('ip', 'addr', 'del', '192.0.2.1/24', 'dev', 'lan0'));
  own.run(own.onLan('ip', 'addr', 'add', '192.0.2.77/24', 'dev', 'lan0'));
  const end = await timeServer(own, 3_600);
  const found = await tried(own);
  t.true(found['Addresses']?.[0]);
  t.false(found['Gateway']?.[0]);
  t.regex(found['Gateway']?.[1] ?? '', /^192\.0\.2\.1 does not answer a ping: /);
  t.false(found['Name servers']?.[0]);
  t.regex(found['Name servers']?.[1] ?? '', /^192\.0\.2\.77: no answer \(E/);
  t.false(found['Time servers']?.[0]);
  t.regex(found['Time servers']?.[1] ?? '', /77: off by 36\d\d\.\d s: .*set the time$/);
  end();
  own.run(own.onLan('ip', 'addr', 'add', '192.0.2.10/24', 'dev', 'lan0'));
  const taken = '192.0.2.10 is another machine’s too: give one of the two another address';
  t.deepEqual((await tried(own))['Addresses'], [false, taken]);
  own.run(own.onBox('ip', 'link', 'set', 'box0', 'down'));
  const unplugged = await tried(own);
  t.deepEqual(unplugged['Cable'], [
    false,
    'no interface has a link: check the cable and the switch',
  ]);
  t.regex(unplugged['Gateway']?.[1] ?? '', /^there is no default gateway: F2/);
  t.regex(unplugged['Time servers']?.[1] ?? '', /^192\.0\.2\.77: no answer; .*UDP port 123$/);
});

there('another node that is away is told by what its address does', async (t) => {
  t.timeout(180_000);
  const own = await network(t);
  const said = async (address: string): Promise<string> => {
    const { 'Other node': outcome } = await tried(own, address);
    t.false(outcome?.[0]);
    return outcome?.[1] ?? '';
  };
  t.regex(await said('192.0.2.99:5697'), /^kms-b is away: 192\.0\.2\.99:5697 does not answer; /);
  t.regex(await said('192.0.2.77:5697'), /refuses; its server does not run: F8 there$/);
  const listen = `require('net').createServer().listen(5697,'192.0.2.77',()=>console.log('up'))`;
  await own.lasting(own.onLan(node, '-e', listen));
  t.regex(await said('192.0.2.77:5697'), /takes connections; look at that box’s own screen/);
});

there('the wizard looks whether an address is taken and the gateway answers', async (t) => {
  t.timeout(120_000);
  const own = await network(t);
  const looked = async (...words: string[]): Promise<unknown> =>
    JSON.parse((await own.ask(own.onBox(node, join(here, 'check.ts'), ...words))).stdout);
  t.deepEqual(await looked('192.0.2.50/24', '192.0.2.1'), ['well', 'well']);
  t.deepEqual(await looked('192.0.2.77/24', '192.0.2.98'), [
    '192.0.2.77 is taken',
    'the gateway 192.0.2.98 does not answer a ping',
  ]);
});

there('F5 shows on the console what is wrong, in red, whole and with what to do', async (t) => {
  t.timeout(240_000);
  const own = await network(t);
  own.run(own.onLan('ip', 'addr', 'add', '192.0.2.10/24', 'dev', 'lan0'));
  await timeServer(own, -7_200);
  const program = join(here, '..', '..', 'appliance', 'service', 'console.ts');
  const nowhere = ['--socket', '/run/none.sock', '--console', '/run/none.sock'];
  const screen = new Screen(own.onBox(node, program, ...nowhere));
  t.teardown(() => {
    screen.close();
  });
  await screen.until(/192\.0\.2\.10[^]*! the server does not answer[^]*<F2> Configure/);
  screen.press('F5');
  const over = /\[FAIL\] KMIP port[^]*\[ OK \] Other node/;
  const shown = async (): Promise<string> =>
    (await screen.until(over)).join(' ').replaceAll(/\s+/g, ' ');
  const taken = await shown();
  t.regex(taken, /\[ OK \] Cable box0 has a link/);
  t.regex(taken, /\[FAIL\] Addresses 192\.0\.2\.10 is another machine.s too: give one of the two/);
  own.run(own.onLan('ip', 'addr', 'del', '192.0.2.10/24', 'dev', 'lan0'));
  screen.press('Enter');
  await screen.until(/\[ OK \] Addresses/);
  const text = await shown();
  t.regex(text, /\[ OK \] Gateway 192\.0\.2\.1 answers/);
  t.regex(text, /\[FAIL\] Time servers 192\.0\.2\.77: off by -7200\.\d s: .* set the time/);
});
