import type { Weather } from '../harness/fault-proxy.ts';
import type { Role } from '../harness/appliance.ts';
import type { Ledger } from './ledger.ts';
import { pause, waitFor } from './node.ts';
import type { Place } from './node.ts';
import type { TorturedPair } from './pair.ts';
import { isLinkFault } from './plan.ts';
import type { LinkFault, NodeFault, PlannedFault, Regime } from './plan.ts';
import type { Traffic } from './traffic.ts';

export interface Scene {
  readonly pair: TorturedPair;
  readonly traffic: Traffic;
  readonly ledger: Ledger;
  readonly regime: Regime;
  /** When both nodes had everything last, in milliseconds of the run. */
  readonly whole: number;
}

interface Fault {
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

const whole: readonly Role[] = ['server', 'keeper', 'token', 'swtpm'];
/** Keys that are made by a node that is alone before its disk is lost. */
const aloneKeys = 5;
const aloneMilliseconds = 30_000;
const journalTaken = 'records came from the journal';
const hour = 3600;
const jumps = [-hour, hour, -400 * 24 * hour, 400 * 24 * hour, 40 * 365 * 24 * hour];

/** Those that a node serves beside. */
const served: readonly string[] = [
  'token process killed',
  'clock jumps',
  'wrapping key rotated',
  'root key rotated',
];

/** Whether the node does not serve while it lasts, or for a while after it. */
export function stops({ kind }: PlannedFault): boolean {
  return !isLinkFault(kind) && !served.includes(kind);
}

export function faultOf(planned: PlannedFault, scene: Scene): Fault {
  const place = scene.pair[planned.place];
  const { kind, size } = planned;
  return isLinkFault(kind) ? linkFault(kind, size, scene) : nodeFault(kind, size, place, scene);
}

function killed(place: Place, role: Role): Fault {
  return {
    begin: () => {
      place.signal([role], 'SIGKILL');
    },
    end: () => {},
  };
}

function frozen(place: Place, roles: readonly Role[]): Fault {
  return {
    begin: () => {
      place.signal(roles, 'SIGSTOP');
    },
    end: () => {
      place.signal(roles, 'SIGCONT');
    },
  };
}

/** No fault, but what another one may hit at any of its steps: it goes on while both last. */
function rotated(place: Place, { ledger }: Scene, command: readonly string[]): Fault {
  let ends: Promise<void> = Promise.resolve();
  return {
    begin: () => {
      ends = place.appliance.twinlock(...command, '--json').then(({ code }) => {
        // A node that is down refuses, and so does one whose last rotation goes on.
        if (code === 0) ledger.rotations++;
      });
    },
    end: () => ends,
  };
}

function nodeFault(kind: NodeFault, size: number, place: Place, scene: Scene): Fault {
  switch (kind) {
    case 'server killed':
      return killed(place, 'server');
    case 'keeper killed':
      return killed(place, 'keeper');
    case 'token process killed':
      return killed(place, 'token');
    case 'server frozen':
      return frozen(place, ['server']);
    case 'keeper frozen':
      return frozen(place, ['keeper']);
    case 'node frozen':
      return frozen(place, whole);
    case 'power cut':
      return { begin: () => place.cutPower(), end: () => place.powerOn() };
    case 'disk full':
      return {
        begin: () => {
          place.setFull(true);
        },
        end: () => {
          place.setFull(false);
        },
      };
    case 'flush fails':
      return {
        begin: () => {
          place.system.order({ flush: 'EIO' });
        },
        end: () => {
          place.system.order({});
        },
      };
    case 'clock jumps': {
      const ahead = jumps[Math.floor(size * jumps.length)] ?? hour;
      return {
        begin: () => {
          place.system.order({ ahead });
        },
        end: () => {
          place.system.order({});
        },
      };
    }
    case 'wrapping key rotated':
      return rotated(place, scene, ['wrapping-key', 'rotate', '--no-wait']);
    case 'root key rotated':
      return rotated(place, scene, ['root', 'rotate']);
    case 'old disk put back':
      return oldDisk(place, scene);
    case 'disk lost':
      return scene.regime === 'journal' ? loneDiskLost(place, scene) : diskLost(place, scene);
  }
}

/** Where one copy is promised for no longer than there is one fault, nothing may be under way. */
async function quiet({ regime, traffic, pair }: Scene): Promise<void> {
  if (regime !== 'alone-for') return;
  await traffic.hold();
  await pair.converged();
}

function oldDisk(place: Place, scene: Scene): Fault {
  let image = '';
  return {
    begin: async () => {
      await place.cutPower();
      image = place.image();
      await place.powerOn();
      await scene.traffic.answered(aloneKeys, aloneMilliseconds);
    },
    end: async () => {
      await quiet(scene);
      await place.cutPower();
      scene.ledger.lost(place.name, scene.whole);
      place.putBack(image);
      await place.powerOn();
      scene.traffic.goOn();
    },
  };
}

function diskLost(place: Place, scene: Scene): Fault {
  return {
    begin: async () => {
      await quiet(scene);
      await place.cutPower();
      scene.ledger.lost(place.name, scene.whole);
      scene.traffic.goOn();
    },
    end: () => scene.pair.replace(place),
  };
}

/** The other node is down, this one makes keys alone, and then its disk is lost. */
function loneDiskLost(place: Place, { pair, traffic, ledger, whole: since }: Scene): Fault {
  const other = pair.other(place);
  return {
    begin: async () => {
      await other.cutPower();
      if (!(await traffic.answered(aloneKeys, aloneMilliseconds))) {
        ledger.wrongs.push('a lone node with a journal made no keys');
      }
      ledger.beginOutage();
      await place.cutPower();
      ledger.lost(place.name, since);
    },
    end: async () => {
      other.takeJournal(place);
      place.emptyJournal();
      const before = other.said(journalTaken);
      await other.powerOn();
      // Before the lost node is removed: after that what it wrote is taken by `restore` alone.
      await waitFor('the journal is read', () => other.said(journalTaken) > before);
      await pair.replace(place);
      ledger.endOutage();
    },
  };
}

function linkFault(kind: LinkFault, size: number, { pair }: Scene): Fault {
  const proxies = pair.places.map(({ proxy }) => proxy);
  const under = (weather: Weather): Fault => ({
    begin: () => {
      for (const proxy of proxies) proxy.weather = weather;
    },
    end: () => {
      for (const proxy of proxies) proxy.weather = { kind: 'fair' };
    },
  });
  switch (kind) {
    case 'link: all is lost':
      return under({ kind: 'blackhole' });
    case 'link: all is held':
      return under({ kind: 'held' });
    case 'link: one way there':
      return under({ kind: 'one-way', lost: 'there' });
    case 'link: one way back':
      return under({ kind: 'one-way', lost: 'back' });
    case 'link: delay':
      return under({ kind: 'delay', milliseconds: Math.floor(50 + size * 3_000) });
    case 'link: throttled':
      return under({ kind: 'throttle', bytes: Math.floor(2_000 + size * 60_000) });
    case 'link: refused': {
      const refused = under({ kind: 'refuse' });
      return {
        ...refused,
        begin: async () => {
          await refused.begin();
          for (const proxy of proxies) proxy.reset();
        },
      };
    }
    case 'link: half open':
      return {
        begin: () => {
          for (const proxy of proxies) proxy.halfOpen();
        },
        end: () => {},
      };
    case 'link: reset':
      return {
        begin: async () => {
          for (let i = 0; i < 1 + size * 5; i++) {
            for (const proxy of proxies) proxy.reset();
            await pause(100);
          }
        },
        end: () => {},
      };
  }
}
