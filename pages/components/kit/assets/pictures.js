// A grid of small pictures, enlarged without smoothing; a click shows one large, with its class and place, or tells the
// page which it is (`picks`).

import { component } from "./mounting.js"

export default component("pictures", (root, { parentElement }) => {
  const dialog = document.createElement("dialog")
  dialog.innerHTML = `<canvas></canvas><p role="status"></p><div class="row"><button type="button" class="before">Previous</button>
    <button type="button" class="after">Next</button><button type="button" class="close">Close</button></div>`
  parentElement.append(dialog)
  const state = { root, dialog, version: null, at: 0 }
  dialog.querySelector(".close").onclick = () => dialog.close()
  dialog.querySelector(".before").onclick = () => open(state, state.at - 1)
  dialog.querySelector(".after").onclick = () => open(state, state.at + 1)
  dialog.onclick = (event) => event.target === dialog && dialog.close()
  dialog.onkeydown = (event) => {
    if (event.key === "ArrowLeft") open(state, state.at - 1)
    if (event.key === "ArrowRight") open(state, state.at + 1)
  }
  state.hear = ({ data, setTriggerValue }) => {
    state.pick = (place) => setTriggerValue("picked", { place })
    // A picture that is tagged gets its mark in a sheet that stays the same.
    const version = data.sheet + data.marks.join("\n")
    state.data = data
    if (state.version === version) return mark(state, data.chosen)
    state.version = version
    draw(state)
  }
  state.close = () => dialog.remove()
  return state
})

function draw(state) {
  const { root, data } = state
  root.replaceChildren()
  state.image = new Image()
  state.image.onload = () => {
    let tile = 0
    for (const group of data.groups) {
      const heading = document.createElement("p")
      heading.textContent = group.name
      const grid = document.createElement("div")
      grid.className = `grid ${data.captions.length ? "captioned" : data.roomy ? "roomy" : ""}`
      for (const label of group.labels) {
        const index = tile++
        const button = document.createElement("button")
        button.type = "button"
        button.title = label
        button.setAttribute("aria-label", label)
        const canvas = document.createElement("canvas")
        paint(state, index, canvas, 1)
        button.append(canvas)
        if (data.marks[index]) {
          const mark = document.createElement("em")
          mark.textContent = data.marks[index]
          button.append(mark)
        }
        for (const line of (data.captions[index] ?? "").split("\n").filter(Boolean)) {
          const caption = document.createElement("span")
          caption.textContent = line
          button.append(caption)
        }
        if (data.picks) button.className = "picks"
        button.onclick = () => {
          if (!data.picks) return open(state, index)
          if (state.data.chosen !== null) mark(state, index)
          state.pick(index)
        }
        grid.append(button)
      }
      root.append(heading, grid)
    }
    mark(state, state.data.chosen)
  }
  state.image.src = data.sheet
}

/** Frames the picture that is chosen; a grid in which none can be has no such buttons. */
function mark({ root }, chosen) {
  if (chosen === null) return
  root.querySelectorAll(".grid button").forEach((button, index) => button.setAttribute("aria-pressed", index === chosen))
}

function paint({ image, data }, index, canvas, factor) {
  const { width, height, columns } = data
  canvas.width = width * factor
  canvas.height = height * factor
  const context = canvas.getContext("2d")
  context.imageSmoothingEnabled = false
  const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height]
  context.drawImage(image, x, y, width, height, 0, 0, canvas.width, canvas.height)
}

function open(state, index) {
  const labels = state.data.groups.flatMap((group) => group.labels.map((label) => label))
  if (index < 0 || index >= labels.length) return
  state.at = index
  const room = Math.min(window.innerWidth, window.innerHeight) * 0.7
  const factor = Math.max(1, Math.floor(room / Math.max(state.data.width, state.data.height)))
  paint(state, index, state.dialog.querySelector("canvas"), factor)
  state.dialog.querySelector("p").textContent = labels[index]
  state.dialog.querySelector(".before").disabled = index === 0
  state.dialog.querySelector(".after").disabled = index === labels.length - 1
  if (!state.dialog.open) state.dialog.showModal()
}
