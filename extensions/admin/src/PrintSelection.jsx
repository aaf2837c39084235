import '@shopify/ui-extensions/preact';
import {render} from 'preact';

import {PrintCards} from './PrintCards.jsx';

export default async () => {
  const t = /** @type {import('./parts.jsx').Translate} */ (shopify.i18n.translate);
  const ids = shopify.data.selected.map(({id}) => id);
  render(<PrintCards t={t} auth={shopify.auth} ids={ids} />, document.body);
};
