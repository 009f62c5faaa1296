using System.Text.Json.Serialization;

namespace SpectralKD.Distillation;

/// <summary>How a teacher's map is brought to the student's grid where their heights and widths differ (<c>--resize-maps</c>).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MapResize>))]
public enum MapResize
{
    /// <summary>Not at all: pairs of unequal grids are an error.</summary>
    None,

    /// <summary>Averaged over areas where no side grows, else interpolated.</summary>
    Auto,

    /// <summary>Averaged over areas (torch's <c>interpolate(mode="area")</c>).</summary>
    Area,

    /// <summary>Interpolated bicubically between centres (<c>mode="bicubic", align_corners=False</c>, without antialias).</summary>
    Bicubic,
}

/// <summary>Applies <see cref="MapResize"/>. A resized map has another spectrum: averaging takes the high frequencies out, interpolation adds none.</summary>
internal static class ResizedMaps
{
    /// <summary>A pair with the teacher's block as it is after resizing.</summary>
    public static LayerPair Of(LayerPair pair, MapResize resize) =>
        resize == MapResize.None ? pair : pair with { Teacher = pair.Teacher with { Height = pair.Student.Height, Width = pair.Student.Width } };

    /// <summary>A map <c>[B, C, H, W]</c> on the grid of a block; the map itself where it is there already.</summary>
    public static Tensor To(BlockInfo block, Tensor map, MapResize resize)
    {
        var (height, width) = (map.shape[2], map.shape[3]);
        if (resize == MapResize.None || (height == block.Height && width == block.Width))
        {
            return map;
        }

        var shrinks = block.Height <= height && block.Width <= width;
        return resize == MapResize.Area || (resize == MapResize.Auto && shrinks)
            ? nn.functional.adaptive_avg_pool2d(map, [block.Height, block.Width])
            : nn.functional.interpolate(map, size: [block.Height, block.Width], mode: InterpolationMode.Bicubic, align_corners: false);
    }
}
