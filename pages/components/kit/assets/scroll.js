// Brings the place where it is drawn into view, once for each token. A page may have several such places.

const seen = new Set()

export default function ({ parentElement, data }) {
  if (seen.has(data.token)) return
  seen.add(data.token)
  const place = parentElement.host ?? parentElement
  place.style.scrollMarginTop = "5rem" // the navigation lies over the page
  requestAnimationFrame(() => place.scrollIntoView({ block: "start" }))
}
