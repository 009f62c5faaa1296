namespace SpectralKD.Data;

/// <summary>How a training image is cut to the model's size.</summary>
public enum CropKind
{
    /// <summary>The evaluation transform: nothing random.</summary>
    Evaluation,

    /// <summary>DeiT's rule: <see cref="Padded"/> up to 32 pixels, <see cref="RandomResized"/> above.</summary>
    Automatic,

    /// <summary>A random part of random area and aspect ratio, resized (timm's RandomResizedCropAndInterpolation, bicubic).</summary>
    RandomResized,

    /// <summary>The whole picture at the model's size, moved by up to 4 pixels over a black border (torchvision's RandomCrop, padding 4).</summary>
    Padded,
}
