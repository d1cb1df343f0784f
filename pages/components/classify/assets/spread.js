// Classes with the mean of their probability over a picture's variants as a bar, and from the least to the most as a
// line across its end.

export default function ({ parentElement, data }) {
  let root = parentElement.querySelector(".spread")
  if (!root) {
    root = document.createElement("ul")
    root.className = "spread"
    parentElement.append(root)
  }
  root.replaceChildren(...data.classes.map(({ words, mean, least, most }) => {
    const item = document.createElement("li")
    const text = document.createElement("span")
    text.textContent = words
    const track = document.createElement("div")
    track.className = "track"
    track.setAttribute("aria-hidden", "true")
    for (const [name, from, to] of [["bar", 0, mean], ["range", least, most]]) {
      const part = document.createElement("div")
      part.className = name
      part.style.left = `${100 * from}%`
      part.style.width = `${100 * (to - from)}%`
      track.append(part)
    }
    item.append(text, track)
    return item
  }))
}
