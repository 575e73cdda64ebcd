#!/bin/sh
# Makes the standby loop that ships inside the program: two soft tones and a pause, four
# seconds, for listeners of each common sampling rate and number of channels. It is made
# for this project, of nothing but sines, and under its license. go generate ./fallback
# runs it.
#
# The files here are by ffmpeg 5.1.9 (libmp3lame 3.100, ffmpeg's own AAC, libopus
# 1.3.1). The same versions make the same files; others make ones that sound alike.
set -eu
cd "$(dirname "$0")"

# A fifth, the lower tone first: each swells and fades, and nothing is left of them
# where the loop begins again.
tone() { # frequency, start, length
	echo "between(t,$2,$2+$3)*pow(sin(PI*(t-$2)/$3),2)*(sin(2*PI*$1*t)+0.25*sin(4*PI*$1*t))"
}
sound="0.16*($(tone 392 0.1 1.3)+$(tone 587.33 0.9 1.7))"

make() { # sampling rate, channels, options, file
	# shellcheck disable=SC2086 # the options are several words
	ffmpeg -v error -y -f lavfi -i "aevalsrc='$sound':s=$1:d=4" -map_metadata -1 \
		-fflags +bitexact -flags:a +bitexact -metadata title="We will be back shortly" -ac "$2" $3 "$4"
}
for channels in 1 2; do
	name=mono
	[ $channels = 1 ] || name=stereo
	for rate in 44100 48000; do
		make $rate $channels "-c:a libmp3lame -b:a 32k -write_xing 0 -id3v2_version 0" $name-$rate.mp3
		make $rate $channels "-c:a aac -b:a 24k -f adts" $name-$rate.aac
	done
	make 48000 $channels "-c:a libopus -b:a 20k -vbr on -page_duration 200000 -f opus" $name-48000.opus
done
ls -l -- *.mp3 *.aac *.opus
