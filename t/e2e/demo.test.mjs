// The example page, as people meet it: what they say to each other.

import test from 'node:test';
import assert from 'node:assert/strict';
import {
  another, clean, enter, joined, message, say, sent, talkTo, useBrowser, user,
} from './lib/chat.mjs';
import { Instance } from './lib/instance.mjs';
import { accounts, until } from './lib/server.mjs';

const { john, jane, ada, eve, max } = accounts;

useBrowser();

test('two people write each other; text stays text', async () => {
  const a = await enter(john);
  const b = await enter(jane);
  const text = '<img src=x onerror="document.title=\'broken\'"> <b>& "so"';

  await talkTo(a, 'Jane Smith');
  await say(a, text);
  await sent(a, text).waitFor();

  await user(b, 'John Doe').locator('.badge').waitFor();
  assert.match(await b.title(), /^\(1\) Chat/);
  await talkTo(b, 'John Doe');
  await message(b, text).waitFor();
  assert.equal(await b.locator('.badge').count(), 0);
  assert.equal(await b.locator('.message img, .message b').count(), 0);

  await b.locator('#message-input').fill('two');
  await b.locator('#message-input').press('Shift+Enter');
  await b.locator('#message-input').pressSequentially('lines');
  await b.locator('#send-button').click();
  await message(a, 'two\nlines').waitFor();

  clean(a, b);
});

test('delivery shows', async () => {
  const a = await enter(john);
  await talkTo(a, 'Jane Smith');
  await say(a, 'before you came');
  await message(a, 'before you came').locator('.icon.sent').waitFor();

  const b = await enter(jane);
  await talkTo(b, 'John Doe');
  await message(b, 'before you came').waitFor();
  await message(a, 'before you came').getByRole('img', { name: 'delivered' })
    .waitFor();

  await say(a, 'and now');
  await message(a, 'and now').locator('.icon.delivered').waitFor();
  clean(a, b);
});

test('groups: their members, joining and leaving', async () => {
  const a = await enter(john);
  const b = await enter(jane);
  const c = await enter(ada);

  for (const page of [a, b, c]) {
    await page.locator('#join-input').fill('group.demo');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('#talk-title', { hasText: 'group.demo' }).waitFor();
    await joined(page);
  }
  await c.getByRole('button', { name: 'Leave' }).click();
  await c.getByText('You have left this group').first().waitFor();

  await say(a, 'first');
  await message(b, 'first').waitFor();
  await say(b, 'second');
  await message(a, 'second').waitFor();
  await sent(b, 'second').waitFor();

  assert.equal(await message(a, 'first').count(), 1, 'one\'s own comes once');
  assert.equal(await c.locator('.message').count(), 0);

  await c.locator('#leave-button', { hasText: 'Join' }).click();
  await joined(c);
  await say(c, 'back again');
  await message(a, 'back again').waitFor();
  clean(a, b, c);
});

test('announcements reach the club, from whoever may', async () => {
  const a = await enter(john);
  const b = await enter(max);
  const c = await enter(eve);

  await talkTo(a, 'Everyone');
  await say(a, 'Club announcement');
  await sent(a, 'Club announcement').waitFor();
  await talkTo(b, 'Everyone');
  await message(b, 'Club announcement').waitFor();
  await talkTo(c, 'Everyone');
  assert.equal(await c.locator('.message').count(), 0);

  await say(b, 'me too');
  await message(b, 'me too').getByRole('alert').waitFor();
  clean(a, b, c);
});

test('typing appears and goes, before the first message, too', async () => {
  const a = await enter(john);
  const b = await enter(jane);

  await talkTo(b, 'John Doe');
  await talkTo(a, 'Jane Smith');
  await a.locator('#message-input').pressSequentially('Hm');
  await b.locator('#typing-indicator',
    { hasText: 'John Doe is typing…' }).waitFor();
  await user(b, 'John Doe').getByText('typing…').waitFor();

  // nothing more is typed
  await until(async () => await b.locator('#typing-indicator').textContent()
    === '');

  await a.locator('#message-input').pressSequentially('m');
  await b.getByText('John Doe is typing…').waitFor();
  await a.locator('#message-input').press('Enter');
  await message(b, 'Hmm').waitFor();
  assert.equal(await b.locator('#typing-indicator').textContent(), '');

  await a.locator('#message-input').pressSequentially('and');
  await b.getByText('John Doe is typing…').waitFor();
  await a.context().close();
  await until(async () => await b.locator('#typing-indicator').textContent()
    === '');
  clean(a, b);
});

test('notifications come as such', async () => {
  const a = await enter(john);
  const b = await enter(jane);

  await talkTo(a, 'Jane Smith');
  await a.getByRole('button', { name: 'Notify' }).click();
  await a.getByLabel('Title').fill('Lunch <b>');
  await a.getByLabel('Text').fill('At noon');
  await a.locator('#notify-dialog').getByRole('button', { name: 'Send' })
    .click();
  await b.locator('.toast', { hasText: 'Lunch <b>' }).getByText('At noon')
    .waitFor();
  await a.getByText('Notification sent').waitFor();
  await b.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await b.locator('.toast').count(), 0);
  clean(a, b);
});

test('more tabs of the same person', async () => {
  const a = await enter(john);
  const tab = await another(a.context(), john);
  const third = await another(a.context(), john);
  const b = await enter(jane);

  await talkTo(b, 'John Doe');
  await say(b, 'to all');
  for (const page of [a, tab, third]) {
    await talkTo(page, 'Jane Smith');
    await message(page, 'to all').waitFor();
  }

  await say(tab, 'from the tab');
  await message(a, 'from the tab').waitFor();
  await message(third, 'from the tab').waitFor();
  await message(b, 'from the tab').waitFor();

  await talkTo(a, 'group.lunch');
  await talkTo(tab, 'group.lunch');
  await talkTo(b, 'group.lunch');
  await say(tab, 'hungry');
  await message(a, 'hungry').waitFor();
  await message(b, 'hungry').waitFor();

  await tab.close();
  await third.close();
  await say(a, 'still here');
  await message(b, 'still here').waitFor();
  assert.ok(await user(b, 'John Doe').getByText('Online').isVisible());
  for (const page of [a, b]) {
    assert.equal(await message(page, 'hungry').count(), 1);
  }
  clean(a, b);
});

test('a restart of the server in the middle', async () => {
  const own = await Instance.create();

  try {
    const a = await enter(john, { base: own.url });
    const b = await enter(jane, { base: own.url });

    await talkTo(a, 'Jane Smith');
    await talkTo(b, 'John Doe');
    await say(a, 'before');
    await message(b, 'before').waitFor();

    await own.stop();
    await a.locator('#banner', { hasText: 'The connection is lost' }).waitFor();
    await b.locator('#banner', { hasText: 'The connection is lost' }).waitFor();
    await say(a, 'meanwhile 1');
    await say(a, 'meanwhile 2');
    await message(a, 'meanwhile 1').locator('.icon.waiting').waitFor();
    await b.locator('#message-input').fill('not finis');

    await own.start();
    await sent(a, 'meanwhile 2').waitFor();
    await message(b, 'meanwhile 2').waitFor();
    await a.locator('#banner').waitFor({ state: 'hidden' });
    assert.deepEqual(await b.locator('.message .text').allTextContents(),
      ['before', 'meanwhile 1', 'meanwhile 2']);
    assert.equal(await b.locator('#message-input').inputValue(), 'not finis');

    await b.locator('#message-input').pressSequentially('hed');
    await b.locator('#message-input').press('Enter');
    await message(a, 'not finished').waitFor();
    clean(a, b);
  } finally {
    await own.destroy();
  }
});
