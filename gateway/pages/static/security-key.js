// Asks a security key or passkey, for forms marked with `data-key-form="create"` or `"get"`. What is
// asked stands in `data-key-options`; the answer goes into the field `answer`, and the form is sent.
// Under Trusted Types: text is only ever set as text, never as markup.

function toBytes (text) {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0))
}

function toText (buffer) {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

function known (list) {
  return (list || []).map((each) => ({ ...each, id: toBytes(each.id) }))
}

async function create (asked) {
  const key = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: toBytes(asked.challenge),
      user: { ...asked.user, id: toBytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials)
    }
  })
  return told(key, {
    attestationObject: toText(key.response.attestationObject),
    transports: key.response.getTransports ? key.response.getTransports() : []
  })
}

async function get (asked) {
  const key = await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: toBytes(asked.challenge),
      allowCredentials: known(asked.allowCredentials)
    }
  })
  return told(key, {
    authenticatorData: toText(key.response.authenticatorData),
    signature: toText(key.response.signature)
  })
}

function told (key, response) {
  return JSON.stringify({
    id: key.id,
    rawId: toText(key.rawId),
    type: key.type,
    response: { ...response, clientDataJSON: toText(key.response.clientDataJSON) },
    clientExtensionResults: {}
  })
}

// Browsers tell a page little of what went wrong, and so can we.
const SAID = {
  InvalidStateError: 'That key has been added already. Use another one',
  NotAllowedError: 'No key answered. Try again, and touch your key or unlock your device when asked',
  SecurityError: 'This browser does not allow keys at this address'
}

for (const form of document.querySelectorAll('form[data-key-form]')) {
  const answer = form.querySelector('input[name="answer"]')
  const error = form.querySelector('[data-key-error]')
  const ask = form.dataset.keyForm === 'create' ? create : get
  let asking = false
  form.addEventListener('submit', async (event) => {
    if (answer.value) return
    event.preventDefault()
    if (asking) return
    asking = true
    error.textContent = ''
    try {
      if (!window.PublicKeyCredential) throw new DOMException('', 'NotSupportedError')
      answer.value = await ask(JSON.parse(form.dataset.keyOptions))
      form.requestSubmit(form.querySelector('button[name="use-key"]'))
    } catch (failure) {
      error.textContent = SAID[failure.name] || 'This browser cannot use security keys. Use a code instead'
    } finally {
      asking = false
    }
  })
}
