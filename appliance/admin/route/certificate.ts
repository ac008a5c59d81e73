import type { Act, Reach } from '../appliance.ts';
import { AdminError } from '../error.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { certificatesView, z } from '../schema.ts';
import type { CertificatesView } from '../schema.ts';

/** What this node shows its clients, and how that is renewed without losing vCenter's trust. */
export function certificateRoutes(reach: Reach): Route[] {
  const view = (): CertificatesView => {
    const { authority, serverCertificate } = reach.opened();
    const { current: server, next } = serverCertificate;
    const { certificate } = authority;
    return { authority: certificate, server, ...(next === undefined ? {} : { next }) };
  };
  const noted = async (act: Act, what: string): Promise<CertificatesView> => {
    await reach.opened().keystore.change((draft) => {
      draft.audit({ ...act, act: what, outcome: 'success' });
    });
    return view();
  };
  return [
    route({
      method: 'GET',
      path: '/v1/certificates',
      role: 'auditor',
      what: 'the authority of the cluster and the certificate that this node shows',
      answer: certificatesView,
      handle: view,
    }),
    route({
      method: 'POST',
      path: '/v1/certificates/renew',
      role: 'officer',
      what: 'make the next certificate of this node for the same key; it is not shown yet',
      body: z.object({}),
      answer: certificatesView,
      handle: ({ act }) => {
        reach.opened().serverCertificate.renew();
        return noted(act, 'certificate renew');
      },
    }),
    route({
      method: 'POST',
      path: '/v1/certificates/activate',
      role: 'officer',
      what: 'show the next certificate on new connections',
      body: z.object({}),
      answer: certificatesView,
      handle: ({ act }) => {
        try {
          reach.opened().serverCertificate.activate();
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'RenewalError') throw error;
          throw new AdminError('refused', error.message, 'first: twinlock certificate renew');
        }
        return noted(act, 'certificate activate');
      },
    }),
  ];
}
