// Sends a file with tus-js-client. The order is a line of JSON on stdin: client, endpoint, token, file, chunkSize, notes.
// An earlier upload of the same file, which a file in `notes` names, is continued.
const fs = require('node:fs')
const order = JSON.parse(fs.readFileSync(0, 'utf8'))
const tus = require(`${order.client}/node_modules/tus-js-client`)

const upload = new tus.Upload(fs.createReadStream(order.file), {
  endpoint: order.endpoint,
  headers: { Authorization: `Bearer ${order.token}` },
  chunkSize: order.chunkSize,
  retryDelays: Array(50).fill(100),
  metadata: { filename: 'talk.mp4' },
  urlStorage: new tus.FileUrlStorage(order.notes),
  fingerprint: () => Promise.resolve(order.file),
  onError: (error) => {
    console.error(`${error}`)
    process.exit(1)
  },
  onSuccess: () => {
    console.log('sent')
    process.exit(0)
  },
})
upload.findPreviousUploads().then((earlier) => {
  if (earlier.length > 0) {
    console.log('continues')
    upload.resumeFromPreviousUpload({ ...earlier[0], uploadUrl: new URL(new URL(earlier[0].uploadUrl).pathname, order.endpoint).href })
  }
  upload.start()
})
