// Numbers in rows and columns as coloured squares, with figures where they fit. Pointing at one says which it is; a click,
// or the arrow keys and Enter, tell the page (`picks`).

import { component } from "./mounting.js"

const ROOM_FOR_FIGURES = 30 // pixels of a square

export default component("numbers", (root) => {
  const canvas = document.createElement("canvas")
  const told = document.createElement("p")
  root.append(canvas, told)
  const state = { root, canvas, told, at: null, image: null }
  const observer = new ResizeObserver(() => draw(state))
  observer.observe(root)
  canvas.onpointermove = (event) => point(state, placeOf(state, event))
  canvas.onpointerleave = () => point(state, null)
  canvas.onclick = (event) => pick(state, placeOf(state, event))
  canvas.onkeydown = (event) => onKey(state, event)
  canvas.onblur = () => point(state, null)
  state.hear = ({ data, setTriggerValue }) => {
    state.send = ([row, column]) => setTriggerValue("picked", { row, column })
    show(state, data)
  }
  state.close = () => observer.disconnect()
  return state
})

function show(state, data) {
  const isNew = !state.data || state.data.image !== data.image
  state.data = data
  state.chosen = data.chosen
  state.root.className = data.picks ? "numbers picks" : "numbers"
  state.canvas.tabIndex = data.picks ? 0 : -1
  state.canvas.setAttribute("role", data.picks ? "button" : "img")
  state.canvas.setAttribute("aria-label", data.label)
  const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0))
  state.values = new Float32Array(bytes.buffer)
  tell(state)
  if (!isNew) return draw(state)
  const image = new Image()
  image.onload = () => {
    if (state.data.image !== data.image) return // a later one has come meanwhile
    state.image = image
    draw(state)
  }
  image.src = data.image
}

function draw(state) {
  const { canvas, image, data, root } = state
  if (!image || !root.clientWidth) return
  const ratio = window.devicePixelRatio || 1
  const side = Math.min(data.widest, root.clientWidth) / data.columns
  canvas.style.width = `${side * data.columns}px`
  canvas.width = Math.round(side * data.columns * ratio)
  canvas.height = Math.round(side * data.rows * ratio)
  const context = canvas.getContext("2d")
  context.imageSmoothingEnabled = false
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  state.side = side
  const cell = side * ratio
  if (side >= ROOM_FOR_FIGURES) writeFigures(state, context, cell)
  if (state.chosen) frame(context, state.chosen, cell, 3 * ratio)
  if (state.at) frame(context, state.at, cell, ratio)
}

function writeFigures({ values, data, side, image }, context, cell) {
  const small = document.createElement("canvas")
  small.width = data.columns
  small.height = data.rows
  const source = small.getContext("2d")
  source.drawImage(image, 0, 0)
  const pixels = source.getImageData(0, 0, data.columns, data.rows).data
  context.font = `${Math.min(13, side / 3.2) * (cell / side)}px sans-serif`
  context.textAlign = "center"
  context.textBaseline = "middle"
  const decimals = decimalsOf(values)
  values.forEach((value, at) => {
    if (Number.isNaN(value)) return
    const [red, green, blue] = pixels.slice(4 * at, 4 * at + 3)
    context.fillStyle = 0.3 * red + 0.59 * green + 0.11 * blue > 130 ? "#000" : "#fff"
    const [row, column] = [Math.floor(at / data.columns), at % data.columns]
    context.fillText(value === 0 ? "0" : withMinus(value.toFixed(decimals)), (column + 0.5) * cell, (row + 0.5) * cell)
  })
}

// With a true minus sign, as in the sentences beside it.
function withMinus(number) {
  return number.replaceAll("-", "\u2212")
}

// Two digits or more of the largest number, and as many decimals in all squares. Of 0 itself no decimals.
function decimalsOf(values) {
  const largest = values.reduce((most, value) => (Math.abs(value) > most ? Math.abs(value) : most), 0)
  if (!largest || largest >= 100) return 0
  return largest >= 10 ? 1 : Math.min(4, Math.max(2, 1 - Math.floor(Math.log10(largest))))
}

function frame(context, [row, column], cell, width) {
  for (const [color, inset] of [["#fff", 0], ["#000", width]]) {
    context.strokeStyle = color
    context.lineWidth = width
    context.strokeRect(column * cell + inset, row * cell + inset, cell - 2 * inset, cell - 2 * inset)
  }
}

function placeOf(state, event) {
  const box = state.canvas.getBoundingClientRect()
  const row = Math.floor(((event.clientY - box.top) / box.height) * state.data.rows)
  const column = Math.floor(((event.clientX - box.left) / box.width) * state.data.columns)
  return within(state, row, column)
}

function within({ data, values }, row, column) {
  if (row < 0 || column < 0 || row >= data.rows || column >= data.columns) return null
  return Number.isNaN(values[row * data.columns + column]) ? null : [row, column]
}

function point(state, place) {
  state.at = place
  tell(state)
  draw(state)
}

// Which number is pointed at, or else chosen.
function tell({ at, chosen, data, told, values }) {
  const place = at ?? chosen
  if (!place) {
    told.textContent = data.hint
    return
  }
  const [row, column] = place
  const name = data.names.length ? data.names[row * data.columns + column] : `Row ${row}, column ${column}`
  told.textContent = `${name}: ${withMinus(String(Number(values[row * data.columns + column].toPrecision(4))))}`
}

function pick(state, place) {
  if (!state.data.picks || !place) return
  state.chosen = place
  state.send(place)
  tell(state)
  draw(state)
}

function onKey(state, event) {
  if (!state.data.picks) return
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
  const from = state.at ?? state.chosen ?? [0, 0]
  if (event.key in steps) {
    const [down, right] = steps[event.key]
    point(state, within(state, from[0] + down, from[1] + right) ?? from)
  } else if (event.key === "Enter" || event.key === " ") {
    pick(state, from)
  } else return
  event.preventDefault()
}
