// Brings the place where it is drawn into view, once for each token.

let last = null

export default function ({ parentElement, data }) {
  if (data.token === last) return
  last = data.token
  const place = parentElement.host ?? parentElement
  place.style.scrollMarginTop = "5rem" // the navigation lies over the page
  requestAnimationFrame(() => place.scrollIntoView({ block: "start" }))
}
