// An SVG picture that the server has drawn, in the page's colours. Where there is no room for its `least` width in
// pixels, it is scrolled sideways, with the keyboard too.

export default function ({ parentElement, data }) {
  let root = parentElement.querySelector(".drawing")
  if (!root) {
    root = document.createElement("div")
    root.className = "drawing"
    parentElement.append(root)
  }
  if (root.drawn !== data.svg) {
    root.drawn = data.svg
    root.innerHTML = data.svg
  }
  root.firstElementChild.style.minWidth = `${data.least}px`
  root.tabIndex = root.scrollWidth > root.clientWidth ? 0 : -1
}
