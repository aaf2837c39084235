export {default} from '../../shared/vitest.config.js';
