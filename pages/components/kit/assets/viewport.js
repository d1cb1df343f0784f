// Says whether the window is narrow, once and whenever that changes, unless the server knows already.

export default function ({ data, setStateValue }) {
  const query = window.matchMedia(`(max-width: ${data.pixels}px)`)
  const tell = () => {
    if (query.matches !== data.known) setStateValue("narrow", query.matches)
  }
  tell()
  query.addEventListener("change", tell)
  return () => query.removeEventListener("change", tell)
}
