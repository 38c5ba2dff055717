// The pages work without this file. With it: error summaries take the focus, the menu folds on a
// phone, passwords can be shown, and lists narrow down while one types.
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
