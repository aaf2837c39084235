// Shopify's own linter over a theme app extension: prints its offenses as JSON. Offline it uses the data that it brings.
import {themeCheckRun} from '@shopify/theme-check-node';

const {offenses, theme} = await themeCheckRun(process.argv[2], process.argv[3], () => {});
console.log(
  JSON.stringify({
    files: theme.length,
    offenses: offenses.map(({check, uri, start, message}) => `${check} ${uri.split('/').pop()}:${start.line + 1} ${message}`),
  }),
);
