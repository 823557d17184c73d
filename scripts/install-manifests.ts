/**
 * Writes `examples/install.yaml`, what the chart gives with its default values: `node scripts/install-manifests.ts`. With `--check` writes
 * nothing, and exits 1 when what is checked in differs. Needs Helm (`scripts/helm.ts`).
 */
import { execFileSync } from 'node:child_process';
import { parseAllDocuments, stringify } from 'yaml';
import { writeOrCheck } from './crds/write.ts';
import { findHelm, howToGetHelm } from './helm.ts';

const namespace = 'tailplane-system';

const head = `# tailplane with its default values, in namespace ${namespace}. Made by \`node scripts/install-manifests.ts\` from charts/tailplane: do not edit.
# First the Gateway API's CustomResourceDefinitions, then tailplane's own:
#   kubectl apply --server-side -f crds/
#   kubectl apply --server-side -f examples/install.yaml
`;

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly template?: { readonly metadata: Manifest['metadata'] } };
};

const helm = await findHelm({ build: true, say: (line) => void process.stderr.write(`${line}\n`) });
if (helm === undefined) throw new Error(howToGetHelm);
const chart = new URL('../charts/tailplane', import.meta.url).pathname;
const rendered = execFileSync(helm, ['template', 'tailplane', chart, '--namespace', namespace], { encoding: 'utf8' });
const manifests = parseAllDocuments(rendered).flatMap((document) => (document.toJS() as Manifest | null) ?? []);

/** What others need comes first. */
const order = ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];
const rank = ({ kind }: Manifest): number => (order.includes(kind) ? order.indexOf(kind) : order.length);

/** Helm is not there to manage these. */
const withoutHelm = (manifest: Manifest): Manifest => {
  const { template } = manifest.spec ?? {};
  return {
    ...manifest,
    metadata: unlabelled(manifest.metadata),
    ...(template && { spec: { ...manifest.spec, template: { ...template, metadata: unlabelled(template.metadata) } } }),
  };
};

const unlabelled = ({ labels = {}, ...rest }: Manifest['metadata']): Manifest['metadata'] => {
  const { 'helm.sh/chart': _, 'app.kubernetes.io/managed-by': __, ...kept } = labels;
  return { ...rest, ...(Object.keys(kept).length > 0 && { labels: kept }) };
};

const ownNamespace: Manifest & { readonly apiVersion: string } = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
const documents = [ownNamespace, ...manifests.map(withoutHelm)].toSorted((one, other) => rank(one) - rank(other));

writeOrCheck(new URL('../examples/', import.meta.url), {
  'install.yaml': `${head}${documents.map((document) => `---\n${stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })}`).join('')}`,
});
