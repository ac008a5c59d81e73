/** A bug as somebody could write it: a few words of one file replaced by others. */
export interface SeededBug {
  readonly name: string;
  readonly file: string;
  /** Each text stands in the file once. */
  readonly edits: readonly (readonly [found: string, instead: string])[];
  /** What has to catch it: the simulated pairs, or the properties of the fold. */
  readonly caughtBy: 'simulation' | 'fold';
}

/** Each of these would lose, mix up or bring back a key some day. */
export const bugs: readonly SeededBug[] = [
  {
    name: 'a commit is not flushed (synchronous = OFF)',
    file: 'appliance/keystore/database.ts',
    edits: [
      [`database.pragma('synchronous = FULL');`, `database.pragma('synchronous = OFF');`],
      [`['synchronous', 2],`, `['synchronous', 0],`],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a commit is flushed with the next checkpoint only (synchronous = NORMAL)',
    file: 'appliance/keystore/database.ts',
    edits: [
      [`database.pragma('synchronous = FULL');`, `database.pragma('synchronous = NORMAL');`],
      [`['synchronous', 2],`, `['synchronous', 1],`],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'what a failed flush left is built upon',
    file: 'appliance/keystore/store.ts',
    edits: [[`const unflushed = flushLeftLog(path);`, `const unflushed = undefined;`]],
    caughtBy: 'simulation',
  },
  {
    name: 'a node on a full disk does not start',
    file: 'appliance/keystore/database.ts',
    edits: [[`if (id !== applicationId) database.pragma(`, `database.pragma(`]],
    caughtBy: 'simulation',
  },
  {
    name: 'the journal is not flushed',
    file: 'appliance/backup/journal.ts',
    edits: [[`  await file.datasync();\n`, ``]],
    caughtBy: 'simulation',
  },
  {
    name: 'the journal’s name is not flushed with its folder',
    file: 'appliance/backup/journal.ts',
    edits: [[`await parent.sync().finally(() => parent.close());`, `await parent.close();`]],
    caughtBy: 'simulation',
  },
  {
    name: 'journals are looked at once, whatever was away then',
    file: 'appliance/service/journal.ts',
    edits: [[`if (left === 'nothing') return;`, `if (left !== 'medium') return;`]],
    caughtBy: 'simulation',
  },
  {
    name: 'a key is answered as soon as the peer is there',
    file: 'appliance/replication/copy-promise.ts',
    edits: [
      [
        `const confirmed = paired && (await carrier.confirmed(records));`,
        `const confirmed = paired && (await Promise.resolve(carrier.present));`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'records are acknowledged before they are stored',
    file: 'appliance/replication/session.ts',
    edits: [
      [
        `    const entries = decodeEntries(payload);\n`,
        `    const entries = decodeEntries(payload);
    const early: Record<string, readonly [number, string]> = {};
    for (const { body } of entries) {
      const head = decodeHead(body);
      if (head !== undefined) early[head.epoch] = [head.seq, hashOf(body).toString('hex')];
    }
    this.#send(
      messageKind.ack,
      toJson({ taken: this.#takenCount, heads: early, lacking: [], able: true }),
    );
`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a secret is taken that the keeper has not opened',
    file: 'appliance/keystore/exchange.ts',
    edits: [
      [
        `    const context = contextBytes(cluster, creation.context);\n    let secret: Buffer;`,
        `    if (object !== '') return { object, commitment: creation.commitment, sealed };
    const context = contextBytes(cluster, creation.context);
    let secret: Buffer;`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a record counts as a copy although its secret did not come',
    file: 'appliance/keystore/exchange.ts',
    edits: [[`if (!this.#parts.projection.isPurged(object)) this.#putLacking.run(object);`, ``]],
    caughtBy: 'simulation',
  },
  {
    name: 'the policy refuse is not kept',
    file: 'appliance/replication/copy-promise.ts',
    edits: [[`if (policy === 'alone') return true;`, `if (policy !== 'alone-for') return true;`]],
    caughtBy: 'simulation',
  },
  {
    name: 'a node may be alone for ever',
    file: 'appliance/replication/copy-promise.ts',
    edits: [
      [
        `return policy === 'alone-for' && this.#aloneSeconds() < seconds;`,
        `return policy === 'alone-for' && seconds > 0;`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'an old disk put back is not noticed',
    file: 'appliance/replication/history.ts',
    edits: [
      [
        `    if (past.why === 'rollback') {`,
        `    if (past.why === 'rollback') return;\n    if (past.seq < 0) {`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a start goes on in the epoch before it',
    file: 'appliance/keystore/record-log.ts',
    edits: [
      [
        `    this.#epoch = epoch;
    this.#seq = 0;
    this.#prevHash = '';
`,
        `    this.#epoch = epoch;
    this.#seq = 0;
    this.#prevHash = '';
    const [last] = Object.entries(this.headsOf(this.#author.node));
    if (last !== undefined) {
      [this.#epoch, this.#seq] = last;
      this.#prevHash = this.hashAt(...last)?.toString('hex') ?? '';
      return;
    }
`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a record is put to its chain whatever stands before it',
    file: 'appliance/keystore/record-log.ts',
    edits: [
      [`if (known === undefined && !stray && seq > (last?.seq ?? 0) + 1) {`, `if (seq < 0) {`],
      [
        `const follows = !stray && prevHash === (last?.hash.toString('hex') ?? '');`,
        `const follows = !stray;`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a record is taken without its author’s signature',
    file: 'appliance/keystore/exchange.ts',
    edits: [
      [`if (!isSignedBy(record, key)) throw refused('its signature is not its author’s');`, ``],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'a record that comes twice is taken twice',
    file: 'appliance/keystore/record-log.ts',
    edits: [[`if (known?.equals(record.hash) === true) return 'duplicate';`, ``]],
    caughtBy: 'simulation',
  },
  {
    name: 'whoever undoes one end undoes every end',
    file: 'appliance/keystore/fold.ts',
    edits: [
      [
        `cancellations.filter((each) => each.payload.intent === id)`,
        `cancellations.filter(() => true)`,
      ],
    ],
    caughtBy: 'simulation',
  },
  {
    name: 'the last word on a compromise wins',
    file: 'appliance/keystore/fold.ts',
    edits: [
      [
        `compromised: compromises.length > 0,`,
        `compromised: compromises.length > 0 && revocations.at(-1) === compromises.at(-1),`,
      ],
    ],
    caughtBy: 'fold',
  },
  {
    name: 'records are folded in the order in which they came',
    file: 'appliance/keystore/fact.ts',
    edits: [
      [`return [...distinct.values()].sort(compareRecords);`, `return [...distinct.values()];`],
    ],
    caughtBy: 'fold',
  },
  {
    name: 'one node’s word purges',
    file: 'appliance/keystore/fold.ts',
    edits: [
      [`return members.every((member) => hasAgreed(`, `return members.some((member) => hasAgreed(`],
    ],
    caughtBy: 'fold',
  },
  {
    name: 'a node that takes itself for the only one purges what another took back',
    file: 'appliance/keystore/fold.ts',
    edits: [[`cancelling.every(({ node }) => members.includes(node)),`, `cancelling.length >= 0,`]],
    caughtBy: 'fold',
  },
];
