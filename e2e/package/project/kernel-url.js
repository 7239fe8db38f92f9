export { default } from 'holdfast/assets/guests/linux/bzImage?url';
