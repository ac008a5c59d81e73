import { connect } from 'node:net';

/** Joins the terminal that it runs on to a machine's serial line: node line.ts SOCKET. */
const link = connect(process.argv[2] ?? '');
process.stdin.setRawMode(true);
process.stdin.pipe(link);
link.pipe(process.stdout);
link.once('close', () => process.exit());
