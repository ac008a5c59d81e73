import test from 'ava';
import { ResultReason } from '../../appliance/kmip/enumeration.ts';
import { reasonIn } from '../../appliance/kmip/reason.ts';

test('§11: a reason that a version does not have is given in that version’s words', (t) => {
  const { WrongKeyLifecycleState, UsageLimitExceeded, PermissionDenied } = ResultReason;
  for (const version of [100, 101, 102, 103, 104]) {
    t.is(reasonIn(WrongKeyLifecycleState, version), PermissionDenied);
    t.is(reasonIn(UsageLimitExceeded, version), PermissionDenied);
  }
  t.is(reasonIn(WrongKeyLifecycleState, 200), WrongKeyLifecycleState);
  t.is(reasonIn(ResultReason.Sensitive, 103), PermissionDenied);
  t.is(reasonIn(ResultReason.Sensitive, 104), ResultReason.Sensitive);
});

test('no version is given a reason that came after 1.0 unless its table has it', (t) => {
  const first = Object.values(ResultReason).filter((reason) => reason <= 0x11 || reason === 0x100);
  for (const reason of Object.values(ResultReason)) {
    if (reason < 0x12 || (reason >= 0x45 && reason <= 0x49) || reason === 0x4c) continue;
    t.true(first.includes(reasonIn(reason, 100)), String(reason));
  }
});
