// Takes a .zip, an .npz, a folder, or pictures class by class, and uploads them. Python hears the upload's id. With
// `data.pictures`, it takes a .zip or a folder alone, of pictures that have no classes.

import { classBoxes } from "./classes.js"
import { component } from "./mounting.js"
import { sendFile } from "./sending.js"
import { packZip } from "./zip.js"

const HTML = `
  <div class="drop">
    <p>Drop a .zip, an .npz or a folder with one folder per class here</p>
    <div class="row">
      <button type="button" class="choose-file">Choose a file</button>
      <button type="button" class="choose-folder">Choose a folder</button>
    </div>
    <p class="small">Up to 2 GB.</p>
    <input type="file" class="file" accept=".zip,.npz" hidden>
    <input type="file" class="folder" webkitdirectory hidden>
  </div>
  <details class="by-class"><summary>Collect pictures class by class</summary><div class="boxes"></div></details>
  <div class="sending" hidden>
    <div class="row"><span class="told" role="status"></span><button type="button" class="cancel">Cancel</button></div>
    <progress max="1" value="0" aria-label="Upload"></progress>
  </div>
  <p class="error" role="alert" hidden></p>`

export default component("upload", (root, { data }) => {
  const state = { cancel: null }
  root.innerHTML = HTML
  const $ = (name) => root.querySelector(name)

  const take = async (name, makeBlob, collected = false) => {
    const controller = new AbortController()
    state.cancel = () => controller.abort()
    show("sending")
    tell("", 0)
    try {
      const blob = await makeBlob(controller.signal)
      const pace = new Pace()
      const id = await sendFile(blob, name, (sent, total) => tell(`${name}: ${pace.told(sent, total)}`, sent / total), controller.signal)
      tell(`${name} is uploaded.`, 1)
      if (collected) state.boxes.isSent(id)
      state.component.setTriggerValue("uploaded", { id, collected })
    } catch (error) {
      show("choosing")
      if (error.name !== "AbortError") fail(error.message)
    } finally {
      state.cancel = null
    }
  }
  const takePacked = (name, entries, collected = false) => take(name, (signal) =>
    packZip(entries, (done, total) => tell(`Packing ${done.toLocaleString("en")} of ${total.toLocaleString("en")} files`, done / total), signal), collected)
  const takeFolder = (entries) => {
    if (!entries.length) return fail("There are no files in that folder.")
    takePacked(`${entries[0].path.split("/")[0] || "pictures"}.zip`, entries)
  }

  function tell(text, share) {
    $(".told").textContent = text
    $("progress").value = share
  }
  function fail(text) {
    $(":scope > .error").textContent = text
    $(":scope > .error").hidden = false
  }
  function show(what) {
    $(":scope > .error").hidden = true
    $(".sending").hidden = what !== "sending"
    for (const each of root.querySelectorAll(".drop, .by-class")) each.hidden = what === "sending"
  }

  $(".choose-file").onclick = () => $(".file").click()
  $(".choose-folder").onclick = () => $(".folder").click()
  $(".cancel").onclick = () => state.cancel?.()
  $(".file").onchange = (event) => {
    const [file] = event.target.files
    event.target.value = "" // so that the same file can be chosen again
    if (file) take(file.name, async () => file)
  }
  $(".folder").onchange = (event) => {
    const entries = [...event.target.files].map((file) => ({ path: file.webkitRelativePath, blob: file }))
    event.target.value = ""
    takeFolder(entries)
  }
  for (const name of ["dragover", "dragleave", "drop"]) {
    $(".drop").addEventListener(name, (event) => {
      event.preventDefault()
      $(".drop").classList.toggle("over", name === "dragover")
    })
  }
  $(".drop").addEventListener("drop", async (event) => {
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean)
    const files = [...event.dataTransfer.files]
    if (items.some((item) => item.isDirectory)) {
      const found = []
      for (const item of items) await listFiles(item, found)
      return takeFolder(found)
    }
    if (files.length === 1) return take(files[0].name, async () => files[0])
    fail(data.pictures
      ? "Drop one .zip or one folder. For single pictures, choose “Pictures” above."
      : "Drop one .zip or .npz, or a folder with one folder per class. Add single pictures class by class below.")
  })
  state.hear = (drawn) => {
    state.component = drawn
    state.boxes?.hear(drawn.data)
  }
  state.close = () => {
    state.cancel?.()
    state.boxes?.end()
  }
  if (data.pictures) {
    $(".drop p").textContent = "Drop a .zip or a folder of pictures here"
    $(".choose-file").textContent = "Choose a .zip"
    $(".file").accept = ".zip"
    $(".by-class").remove()
    return state
  }
  state.boxes = classBoxes($(".boxes"), (entries) => takePacked("my-pictures.zip", entries, true))
  state.boxes.hear(data)
  $(".by-class").open = state.boxes.hasPictures
  return state
})

/** How far an upload is, and the time left by the pace so far. */
class Pace {
  constructor() {
    this.began = performance.now()
  }
  told(sent, total) {
    const seconds = (performance.now() - this.began) / 1000
    const left = sent ? (seconds / sent) * (total - sent) : 0
    const time = seconds < 2 || left < 1 ? "" : left < 90 ? `, ${Math.ceil(left)} s left` : `, ${Math.ceil(left / 60)} min left`
    return `${megabytes(sent)} of ${megabytes(total)} MB${time}`
  }
}

function megabytes(bytes) {
  return (bytes / 1e6).toLocaleString("en", { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })
}

/** The files of a dropped folder, with their paths. A folder hands out its entries 100 at a time. */
async function listFiles(entry, found) {
  if (entry.isFile) {
    const blob = await new Promise((resolve, reject) => entry.file(resolve, reject))
    found.push({ path: entry.fullPath.replace(/^\//, ""), blob })
    return
  }
  const reader = entry.createReader()
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (!some.length) return
    for (const each of some) await listFiles(each, found)
  }
}
