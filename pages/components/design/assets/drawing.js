// An SVG picture that the server has drawn, in the page's colours. Where there is no room for its `least` width in
// pixels, it is scrolled sideways, with the keyboard too, and fades out where there is more of it.

export default function ({ parentElement, data }) {
  let root = parentElement.querySelector(".drawing")
  if (!root) {
    root = document.createElement("div")
    root.className = "drawing"
    root.onscroll = () => fade(root)
    new ResizeObserver(() => fade(root)).observe(root)
    parentElement.append(root)
  }
  if (root.drawn !== data.svg) {
    root.drawn = data.svg
    root.innerHTML = data.svg
  }
  root.firstElementChild.style.minWidth = `${data.least}px`
  fade(root)
}

function fade(root) {
  const more = root.scrollWidth - root.clientWidth
  root.tabIndex = more > 1 ? 0 : -1
  root.classList.toggle("before", root.scrollLeft > 1)
  root.classList.toggle("after", root.scrollLeft < more - 1)
}
