#!/usr/bin/env node
// Makes demo/screenshots of the example page: WS_URL=… util/screenshots.mjs,
// on an instance that has just been started.

import { launch, open, setHidden } from '../t/e2e/lib/browser.mjs';

const folder = new URL('../demo/screenshots/', import.meta.url).pathname;

const phone = {
  viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true,
};

const browser = await launch();

async function enter(id, options) {
  const context = await browser.newContext(
    { locale: 'en-GB', deviceScaleFactor: 1.4, ...options });
  const page = await open(context, `/?as=${id}`);
  await page.getByText('Connected by WebSocket').waitFor();
  return page;
}

async function talkTo(page, name) {
  const back = page.locator('#back-button');
  if (await back.isVisible()) await back.click();
  await page.locator('.user', { hasText: name }).click();
}

async function say(page, text) {
  await page.locator('#message-input').fill(text);
  await page.locator('#message-input').press('Enter');
  await page.locator('.message', { hasText: text })
    .locator('.icon:not(.waiting)').waitFor();
}

const john = await enter(1, { viewport: { width: 920, height: 608 } });
const jane = await enter(2, { ...phone, colorScheme: 'dark' });
const ada = await enter(3, phone);
const max = await enter(5);

await max.getByLabel('My status').selectOption('busy');
await john.locator('.user.busy').waitFor();

for (const page of [ada, jane, john]) await talkTo(page, 'group.lunch');
await say(john, 'Lunch at noon?');
await say(ada, 'Yes! The new place at the corner?');
await say(jane, 'I am in, but I have to be back at one.');
await say(john, 'Then the corner it is. I will book for three.');
await say(jane, 'Perfect, thank you!');
await ada.locator('.message', { hasText: 'Perfect' }).waitFor();
await john.locator('#message-input').pressSequentially('See');
await ada.locator('#typing-indicator', { hasText: 'John' }).waitFor();
await ada.locator('#message-input').blur();
await ada.screenshot({ path: `${folder}phone.png` });

await talkTo(john, 'Jane Smith');
await talkTo(jane, 'John Doe');
await say(john, 'Hello Jane, have you seen the plan for Saturday?');
await say(jane, 'Not yet, is it in the usual place?');
await say(john, 'Yes. <b>Please</b> tell me what you think :)');
await say(jane, 'I will have a look right away.');
await say(jane, 'It looks good. Only the second hall is too small, I would '
  + 'rather ask for the big one.');
await say(john, 'You are right, I will ask.');
await talkTo(ada, 'John Doe');
await say(ada, 'See you at noon');
await setHidden(ada, true);
await john.locator('#message-input').pressSequentially('Thank you');
await jane.locator('#typing-indicator', { hasText: 'typing' }).waitFor();
await jane.locator('#message-input').blur();
await jane.screenshot({ path: `${folder}dark.png` });

await jane.locator('#message-input').pressSequentially('Thanks');
await john.locator('#typing-indicator', { hasText: 'typing' }).waitFor();
await john.locator('.badge').waitFor();
await john.locator('.user.away').waitFor();
await john.locator('#message-input').blur();
await john.screenshot({ path: `${folder}wide.png` });

await browser.close();
