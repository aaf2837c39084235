// Stands in for the built extension in a clone without Node: asks the same question with the same token, draws the same buttons.
export default async () => {
  const section = document.createElement('s-section');
  section.setAttribute('heading', shopify.i18n.translate('heading'));
  const stack = document.createElement('s-stack');
  section.append(stack);
  document.body.append(section);
  try {
    const answer = await fetch(`${shopify.settings.value.app_url}/api/extension/thank-you`, {
      method: 'POST',
      headers: {Authorization: `Bearer ${await shopify.sessionToken.get()}`, 'Content-Type': 'application/json'},
      body: JSON.stringify({
        order_id: shopify.orderConfirmation.value.order.id,
        checkout_token: shopify.checkoutToken.value,
        language: shopify.localization.language.value.isoCode,
        country: shopify.localization.country.value.isoCode,
      }),
    });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const {channels} = await answer.json();
    say(stack, channels.length ? 'text' : 'empty');
    channels.forEach((channel, place) => {
      const button = document.createElement('s-button');
      button.setAttribute('href', channel.url);
      button.setAttribute('variant', place ? 'secondary' : 'primary');
      button.textContent = channel.kind === 'email' ? shopify.i18n.translate('write_email') : shopify.i18n.translate('chat_on', {channel: channel.label});
      stack.append(button);
    });
  } catch {
    say(stack, 'away');
  }
};

function say(stack, key) {
  const paragraph = document.createElement('s-paragraph');
  paragraph.textContent = shopify.i18n.translate(key);
  stack.append(paragraph);
}
