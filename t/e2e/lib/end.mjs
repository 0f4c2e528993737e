// Loaded before each test file: whatever a failed test has left open does not
// keep the file from ending.

import { after } from 'node:test';

if (process.env.NODE_TEST_CONTEXT) {
  after(() => { setTimeout(() => process.exit(), 60000).unref(); });
}
