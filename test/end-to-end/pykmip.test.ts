import { join } from 'node:path';
import test from 'ava';
import { command, startAppliance } from '../harness/appliance.ts';

/**
 * Every method of both of PyKMIP's clients, with every parameter, in every version that PyKMIP
 * knows: `test/harness/pykmip/` has a check for each, which holds the answer against what Python
 * computes or what the client sees in 1.4.
 */
interface Seen {
  /** The public methods of the client, by introspection. */
  readonly methods: readonly string[];
  /** By version and check; a check's name begins with its method's. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Parameters that no check gave. */
  readonly neverGiven: readonly string[];
}

const versions = ['KMIP_1_0', 'KMIP_1_1', 'KMIP_1_2', 'KMIP_1_3', 'KMIP_1_4', 'KMIP_2_0'];

/**
 * What PyKMIP 0.10 cannot do itself, each with the words by which it fails and the reason. One that
 * passes, or fails otherwise, fails the run.
 */
const ownFailures: readonly (readonly [client: RegExp, version: string, words: RegExp, string])[] =
  [
    [
      /^ProxyKmipClient get_attributes__of_everything$/,
      'KMIP_1_0',
      /unpack requires a buffer/,
      'it looks for the Key Format Type of a Digest, which 1.0 does not have',
    ],
    [
      /^ProxyKmipClient get_attributes__of_everything$/,
      'KMIP_1_4',
      /No value type for ALWAYS_SENSITIVE/,
      'it cannot read four attributes of 1.4',
    ],
    [
      /^ProxyKmipClient get_attributes__of_everything$/,
      'KMIP_2_0',
      /Unrecognized attribute type: Tags.SHORT_UNIQUE_IDENTIFIER/,
      'it cannot read an attribute of 2.0',
    ],
    [
      / get__wrapped$/,
      'KMIP_1_0',
      /Tried to read Base.type: expected 1, received 8/,
      'it takes a wrapped Key Value for a structure: 1.0 §2.1.3 says Byte String',
    ],
    [
      / rekey$/,
      'KMIP_2_0',
      /INVALID_FIELD/,
      'it writes a Template-Attribute into a request of 2.0, which has Attributes',
    ],
    [
      /^KMIPProxy rekey_key_pair$/,
      'KMIP_2_0',
      /INVALID_FIELD/,
      'it writes three Template-Attributes into a request of 2.0, which has Attributes',
    ],
  ];

function faultsOf(client: string, { methods, outcomes, neverGiven }: Seen): string[] {
  const faults = neverGiven.map((parameter) => `${client} ${parameter}: never given`);
  for (const version of versions) {
    const seen = Object.entries(outcomes[version] ?? {});
    const checked = new Set(seen.map(([name]) => name.split('__')[0]));
    const leftOut = methods.filter((method) => !checked.has(method));
    faults.push(...leftOut.map((method) => `${client} ${method}: left out of ${version}`));
    for (const [name, outcome] of seen) {
      const fault = faultOf(`${client} ${name}`, version, outcome);
      if (fault !== undefined) faults.push(fault);
    }
  }
  return faults;
}

function faultOf(check: string, version: string, outcome: string): string | undefined {
  const isRight = outcome === 'passes' || outcome === 'refused';
  const listed = ownFailures.find(([name, at]) => at === version && name.test(check));
  if (listed === undefined) return isRight ? undefined : `${check} in ${version}: ${outcome}`;
  if (isRight) return `${check} in ${version}: ${outcome}, take it from the list`;
  return listed[2].test(outcome) ? undefined : `${check} in ${version}: ${outcome}`;
}

const python = '/usr/bin/python3';
const installed = (await command(python, ['-c', 'import kmip'])).code === 0;
if (!installed) console.log('skipped: no python3-pykmip, the independent KMIP client');

(installed ? test : test.skip)(
  'PyKMIP: every method of its two clients with every parameter, in 1.0 to 1.4 and 2.0',
  async (t) => {
    const appliance = await startAppliance(t, { token: 'tpm' });
    const script = join(import.meta.dirname, '..', 'harness', 'pykmip', 'run.py');
    const { stdout, stderr } = await command(python, [
      ...['-B', script, appliance.file('client'), String(appliance.port)],
    ]);
    t.not(stdout, '', stderr);
    const seen = JSON.parse(stdout) as Record<string, Seen>;
    t.deepEqual(Object.keys(seen), ['ProxyKmipClient', 'KMIPProxy']);
    const all = Object.entries(seen);
    t.deepEqual(
      all.flatMap(([client, each]) => faultsOf(client, each)),
      [],
    );
    const outcomes = all.flatMap(([, each]) =>
      Object.values(each.outcomes).flatMap((by) => Object.values(by)),
    );
    const count = (wanted: string): number =>
      outcomes.filter((outcome) => outcome === wanted).length;
    t.log(
      `${all.flatMap(([, { methods }]) => methods).length} methods: ` +
        `${count('passes')} checks passed, ${count('refused')} refused by a version before ` +
        `theirs, ${ownFailures.length} failures of PyKMIP’s own kinds`,
    );
  },
);
