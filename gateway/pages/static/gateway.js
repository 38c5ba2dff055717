// The pages work without this file. With it: error summaries take the focus, the menu folds on a
// phone, passwords can be shown, lists narrow down while one types, and one is warned before one's
// session ends.
// Under Trusted Types: text is only ever set as text, never as markup.
import {
  createAll, Button, ErrorSummary, PasswordInput, Radios, ServiceNavigation, SkipLink
} from './vendor/govuk-frontend.min.js'

for (const component of [Button, ErrorSummary, PasswordInput, Radios, ServiceNavigation, SkipLink]) {
  createAll(component)
}

// As the server folds text (gateway/pages/portal.py): lower case, without accents.
function folded (text) {
  return text.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '')
}

// A search form marked with `data-filter="id"` narrows the list with that id as one types. Items
// carry `data-filter-text`; a `data-filter-group` with no item left is hidden too.
class LiveFilter {
  constructor (form) {
    this.form = form
    this.input = form.querySelector('input[type="search"]')
    this.list = document.getElementById(form.dataset.filter)
    const scope = form.closest('section') || document
    this.count = scope.querySelector('[data-filter-count]')
    this.none = scope.querySelector('[data-filter-none]')
    this.clear = scope.querySelector('[data-filter-clear]')
  }

  start () {
    // With `q` in the address the server has left items out already: searching is then its work.
    if (!this.input || !this.list || !this.count || this.input.defaultValue) return
    this.noun = this.count.dataset.filterNoun || 'services'
    this.atRest = this.count.textContent
    this.input.addEventListener('input', () => this.narrow())
    this.form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.narrow()
    })
    if (this.clear) {
      this.clear.querySelector('a').addEventListener('click', (event) => {
        event.preventDefault()
        this.input.value = ''
        this.narrow()
        this.input.focus()
      })
    }
    this.narrow()
  }

  narrow () {
    const words = folded(this.input.value).split(/\s+/).filter(Boolean)
    let shown = 0
    for (const item of this.list.querySelectorAll('[data-filter-text]')) {
      const matches = words.every((word) => item.dataset.filterText.includes(word))
      item.hidden = !matches
      if (matches) shown += 1
    }
    for (const group of this.list.querySelectorAll('[data-filter-group]')) {
      group.hidden = !group.querySelector('[data-filter-text]:not([hidden])')
    }
    const total = this.count.dataset.filterTotal
    this.count.textContent = words.length
      ? `${shown} of ${total} ${this.noun} match “${this.input.value.trim()}”.`
      : this.atRest
    if (this.none) this.none.hidden = shown > 0
    if (this.clear) this.clear.hidden = words.length === 0
  }
}

for (const form of document.querySelectorAll('form[data-filter]')) {
  new LiveFilter(form).start()
}

// The session ends on the server; this only says so in time. A person is warned five minutes before,
// or after two thirds of a shorter one, and stays signed in at one press; what they typed stays.
// Tabs of ours tell each other when the session was used, so that none warns of what is not so.
class SessionWarning {
  constructor (dialog) {
    this.dialog = dialog
    this.text = dialog.querySelector('[data-warning-text]')
    this.stay = dialog.querySelector('[data-warning-stay]')
    this.again = dialog.querySelector('[data-warning-again]')
    this.shut = dialog.querySelector('[data-warning-close]')
    this.lasts = dialog.dataset.lasts === 'true'
  }

  start () {
    this.shut.addEventListener('click', () => this.dialog.close())
    this.dialog.addEventListener('close', () => { this.closed = true })
    this.dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault()
      this.use(event.target)
    })
    if (window.BroadcastChannel) {
      this.tabs = new BroadcastChannel('gateway-session')
      this.tabs.addEventListener('message', (event) => this.heard(event.data))
    }
    this.plan(Number(this.dialog.dataset.seconds))
    // By the clock and not by one long timer: a computer that slept has missed no second of it.
    setInterval(() => this.look(), 1000)
  }

  plan (seconds) {
    this.endsAt = Date.now() + seconds * 1000
    this.warnAt = this.endsAt - Math.min(300, seconds / 3) * 1000
    this.closed = false
    if (this.dialog.open) this.dialog.close()
    this.closed = false
    if (this.tabs) this.tabs.postMessage({ endsAt: this.endsAt })
  }

  heard (told) {
    if (typeof told.endsAt !== 'number' || told.endsAt <= this.endsAt) return
    this.warnAt += told.endsAt - this.endsAt
    this.endsAt = told.endsAt
    if (this.dialog.open) this.dialog.close()
    this.closed = false
  }

  look () {
    const left = this.endsAt - Date.now()
    if (Date.now() < this.warnAt) return
    if (left <= 0) {
      this.say('Your session has ended. What you typed is still on this page: sign in again in a new tab, or copy it before you go on.')
      this.stay.hidden = true
      this.again.hidden = this.shut.hidden = false
    } else {
      const minutes = Math.ceil(left / 60000)
      const when = minutes > 1 ? `in ${minutes} minutes` : 'within a minute'
      this.say(this.lasts
        ? `Your session ends ${when}, as its time is up. Save your work, then sign in again.`
        : `Your session ends ${when}, as you have not used this service for a while.`)
      this.stay.hidden = this.lasts
      this.shut.hidden = !this.lasts
    }
    if (!this.dialog.open && !(this.closed && left > 0)) {
      if (left <= 0 && this.toldEnd) return
      this.toldEnd = left <= 0
      this.dialog.showModal()
    }
  }

  say (words) {
    if (this.text.textContent !== words) this.text.textContent = words
  }

  async use (form) {
    try {
      const answer = await fetch(form.action, {
        method: 'POST',
        headers: { Accept: 'application/json' },
        body: new URLSearchParams(new FormData(form))
      })
      if (!answer.ok) throw new Error(String(answer.status))
      this.plan((await answer.json()).seconds)
    } catch {
      this.endsAt = Math.min(this.endsAt, Date.now())
      this.look()
    }
  }
}

const warning = document.getElementById('session-warning')
if (warning) new SessionWarning(warning).start()
