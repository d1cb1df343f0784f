// One box per class: its name, and pictures from files or the camera, which stay in the browser until they are used.

const LEAST_CLASSES = 2, MOST_CLASSES = 30, EVERY_MS = 200, CAMERA_SIDE = 320, SHOWN = 60

/** Draws into `root`; `use(entries)` gets {path, blob} of all pictures, `fail(sentence)` says why it cannot. */
export function classBoxes(root, use, fail) {
  const boxes = []
  const list = document.createElement("div")
  list.className = "classes"
  const add = button("Add a class", () => addBox().name.focus())
  const done = button("Use these pictures", () => finish(), "primary")
  const row = document.createElement("div")
  row.className = "row"
  row.append(add, done)
  root.append(list, row)
  for (let i = 0; i < LEAST_CLASSES; i++) addBox()

  function addBox() {
    const box = new ClassBox(boxes.length + 1, fail)
    box.onremove = () => {
      boxes.splice(boxes.indexOf(box), 1)
      box.end()
      box.element.remove()
      update()
    }
    boxes.push(box)
    list.append(box.element)
    update()
    return box
  }
  function update() {
    add.disabled = boxes.length >= MOST_CLASSES
    for (const box of boxes) box.remove.hidden = boxes.length <= LEAST_CLASSES
  }
  function finish() {
    const names = boxes.map((box) => box.folder)
    const same = names.find((name, index) => names.indexOf(name) !== index)
    const empty = boxes.find((box) => !box.pictures.length)
    if (same) return fail(`Two classes are called ${same}. Give each its own name.`)
    if (empty) return fail(`${empty.folder} has no pictures. Add some, or remove the class.`)
    for (const box of boxes) box.end()
    use(boxes.flatMap((box) => box.pictures.map(({ blob, name }, index) =>
      ({ path: `${box.folder}/${String(index + 1).padStart(4, "0")}-${name}`, blob }))))
  }
  return { end: () => boxes.forEach((box) => box.end()) }
}

class ClassBox {
  constructor(number, fail) {
    this.number = number
    this.fail = fail
    this.pictures = []
    this.element = document.createElement("section")
    this.element.innerHTML = `
      <div class="row"><input class="name" maxlength="60" placeholder="Class ${number}" aria-label="Name of class ${number}">
        <span class="count small" role="status"></span></div>
      <div class="row actions"></div>
      <div class="camera" hidden><video muted playsinline></video><div class="row"></div></div>
      <div class="thumbs"></div><input type="file" accept="image/*" multiple hidden>`
    this.name = this.element.querySelector(".name")
    const files = this.element.querySelector("input[type=file]")
    files.onchange = () => {
      this.addFiles(files.files)
      files.value = ""
    }
    this.remove = button("Remove", () => this.onremove())
    this.element.querySelector(".actions").append(
      button("Add pictures", () => files.click()), button("Camera", () => this.openCamera()), this.remove)
    const record = button("Hold to record", () => {}, "primary")
    record.onpointerdown = (event) => {
      record.setPointerCapture(event.pointerId)
      this.record()
    }
    record.onpointerup = record.onpointercancel = () => this.pause()
    record.className += " record"
    record.oncontextmenu = (event) => event.preventDefault() // which a long touch would open
    // The keyboard and screen readers press: one picture each.
    record.onclick = (event) => event.detail === 0 && this.shoot()
    this.element.querySelector(".camera .row").append(record, button("Close the camera", () => this.end()))
    this.element.ondragover = (event) => event.preventDefault()
    this.element.ondrop = (event) => {
      event.preventDefault()
      this.addFiles(event.dataTransfer.files)
    }
    this.draw()
  }

  /** The name of the class as a folder: what would lead elsewhere becomes a dash. */
  get folder() {
    const typed = this.name.value.trim().replace(/[/\\\u0000-\u001f]/g, "-").replace(/^\.+/, "")
    return typed || `Class ${this.number}`
  }
  addFiles(files) {
    for (const file of files) this.add(file, file.name)
    this.draw()
  }
  add(blob, name) {
    const picture = { blob, name: name.replace(/[/\\]/g, "-").replace(/^\.+/, "") }
    this.pictures.push(picture)
    if (this.pictures.length > SHOWN) return
    const thumb = button("", () => {
      this.pictures.splice(this.pictures.indexOf(picture), 1)
      thumb.remove()
      this.draw()
    })
    thumb.title = `Remove ${name}`
    thumb.setAttribute("aria-label", thumb.title)
    const image = document.createElement("img")
    image.src = URL.createObjectURL(blob)
    image.alt = ""
    image.onload = image.onerror = () => URL.revokeObjectURL(image.src)
    thumb.append(image)
    this.element.querySelector(".thumbs").append(thumb)
  }
  draw() {
    const count = this.pictures.length
    this.element.querySelector(".count").textContent = count === 1 ? "1 picture" : `${count} pictures`
  }

  async openCamera() {
    if (this.stream) return
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "environment" } })
    } catch (error) {
      return this.fail(error.name === "NotAllowedError"
        ? "The browser does not let this page use the camera. Allow it in the address bar, or add files."
        : "No camera can be used here. Browsers allow it on localhost and with https only. Add files instead.")
    }
    this.element.querySelector(".camera").hidden = false
    const video = this.element.querySelector("video")
    const [track] = this.stream.getVideoTracks()
    video.classList.toggle("mirrored", track.getSettings().facingMode !== "environment")
    video.srcObject = this.stream
    await video.play()
  }
  record() {
    this.shoot()
    this.timer = setInterval(() => this.shoot(), EVERY_MS)
  }
  pause() {
    clearInterval(this.timer)
  }
  shoot() {
    const video = this.element.querySelector("video")
    const side = Math.min(video.videoWidth, video.videoHeight)
    if (!side) return
    const canvas = document.createElement("canvas")
    canvas.width = canvas.height = Math.min(side, CAMERA_SIDE)
    const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2]
    canvas.getContext("2d").drawImage(video, x, y, side, side, 0, 0, canvas.width, canvas.height)
    canvas.toBlob((blob) => {
      this.add(blob, "camera.jpg")
      this.draw()
    }, "image/jpeg", 0.92)
  }
  end() {
    this.pause()
    this.stream?.getTracks().forEach((track) => track.stop())
    this.stream = null
    this.element.querySelector(".camera").hidden = true
  }
}

function button(text, onclick, kind = "") {
  const made = document.createElement("button")
  made.type = "button"
  made.className = kind
  made.textContent = text
  made.onclick = onclick
  return made
}
