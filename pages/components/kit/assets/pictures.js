// A grid of small pictures, enlarged without smoothing; a click shows one large, with its class and place, or tells the
// page which it is (`picks`).

const mounted = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  let state = mounted.get(parentElement)
  if (!state) {
    const root = document.createElement("div")
    root.className = "pictures"
    const dialog = document.createElement("dialog")
    dialog.innerHTML = `<canvas></canvas><p role="status"></p><div class="row"><button type="button" class="before">Previous</button>
      <button type="button" class="after">Next</button><button type="button" class="close">Close</button></div>`
    parentElement.append(root, dialog)
    state = { root, dialog, sheet: null, at: 0 }
    mounted.set(parentElement, state)
    dialog.querySelector(".close").onclick = () => dialog.close()
    dialog.querySelector(".before").onclick = () => open(state, state.at - 1)
    dialog.querySelector(".after").onclick = () => open(state, state.at + 1)
    dialog.onclick = (event) => event.target === dialog && dialog.close()
    dialog.onkeydown = (event) => {
      if (event.key === "ArrowLeft") open(state, state.at - 1)
      if (event.key === "ArrowRight") open(state, state.at + 1)
    }
  }
  state.pick = (place) => setTriggerValue("picked", { place })
  if (state.sheet !== data.sheet) {
    state.sheet = data.sheet
    state.data = data
    draw(state)
  }
  return () => {
    state.root.remove()
    state.dialog.remove()
    mounted.delete(parentElement)
  }
}

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
      grid.className = data.captions.length ? "grid captioned" : "grid"
      for (const label of group.labels) {
        const index = tile++
        const button = document.createElement("button")
        button.type = "button"
        button.title = label
        button.setAttribute("aria-label", label)
        const canvas = document.createElement("canvas")
        paint(state, index, canvas, 1)
        button.append(canvas)
        for (const line of (data.captions[index] ?? "").split("\n").filter(Boolean)) {
          const caption = document.createElement("span")
          caption.textContent = line
          button.append(caption)
        }
        button.onclick = () => (data.picks ? state.pick(index) : open(state, index))
        grid.append(button)
      }
      root.append(heading, grid)
    }
  }
  state.image.src = data.sheet
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
